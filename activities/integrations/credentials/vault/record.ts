import { z } from 'zod';
import type { Vault } from './api';

/** What a vault knows of a lease of ours, so that a late attempt finds out and the end holds: kept beside its secrets. */
const Record = z.object({
  /** The highest that was seen. */
  fence: z.int(),
  ended: z.boolean(),
  /** Of the token that was made for it. */
  accessor: z.string().nullable(),
  /** Of dynamic secrets that were read with it. */
  lease_ids: z.array(z.string()),
});
export type LeaseRecord = z.output<typeof Record>;
export interface Standing {
  record: LeaseRecord;
  /** Of the entry: whoever writes says which they have read. */
  version: number;
}

const Entry = z.object({ data: z.object({ data: z.unknown(), metadata: z.object({ version: z.int() }) }) });
const none: LeaseRecord = { fence: 0, ended: false, accessor: null, lease_ids: [] };

/** Records as entries of a KV version 2 mount, written by check-and-set. `base` is `mount/path`. */
export function records(vault: Vault, base: string) {
  const slash = base.indexOf('/');
  const at = (tenantId: string, leaseId: string): string =>
    `${base.slice(0, slash)}/data/${base.slice(slash + 1)}/${tenantId}/${leaseId}`;
  return {
    async read(tenantId: string, leaseId: string): Promise<Standing> {
      const { status, body, errors } = await vault.ask('GET', at(tenantId, leaseId));
      const entry = Entry.safeParse(body).data?.data;
      if (status === 200 && entry) return { record: Record.parse(entry.data), version: entry.metadata.version };
      if (status !== 404) throw new Error(`the vault does not show what it knows of a lease: ${status} ${errors}`);
      // One that was there and was taken away: that lease is over.
      return entry
        ? { record: { ...none, ended: true }, version: entry.metadata.version }
        : { record: none, version: 0 };
    },
    /** What stands then; null when another has written since it was read. */
    async write(tenantId: string, leaseId: string, record: LeaseRecord, version: number): Promise<Standing | null> {
      const body = { options: { cas: version }, data: record };
      const { status, errors } = await vault.ask('POST', at(tenantId, leaseId), body);
      if (status === 200) return { record, version: version + 1 };
      if (status === 400 && errors.includes('check-and-set')) return null;
      throw new Error(`the vault does not keep what it is told of a lease: ${status} ${errors}`);
    },
  };
}
