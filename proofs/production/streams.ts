import type { Cluster } from '../cluster/cluster';
import type { Reader, Received } from './reader';

export interface Compared {
  events: number;
  /** Events that were read at both APIs. */
  onBoth: number;
  violations: string[];
}

/** What was read, held against the log: every entry, in its place, once for each reader, and the same at both APIs. */
export async function compare(c: Cluster, readers: readonly Reader[]): Promise<Compared> {
  const { rows } = await (
    await c.owner()
  ).query<{ seq: number; id: string }>('select seq::int, id from log where tenant_id = $1 order by seq', [c.tenantId]);
  const violations: string[] = [];
  const first = new Map<number, Received>();
  const both = new Set<number>();
  for (const [n, reader] of readers.entries()) {
    await reader.until(rows.at(-1)?.seq ?? 0);
    const ids = reader.received.map((r) => r.id);
    const wrong = ids.findIndex((id, i) => id !== i + 1);
    if (wrong >= 0) violations.push(`reader ${n}: event ${ids[wrong]} came in the place of ${wrong + 1}`);
    for (const event of reader.received) {
      const other = first.get(event.id);
      if (!other) first.set(event.id, event);
      else if (other.data !== event.data) violations.push(`event ${event.id} is not the same at both APIs`);
      else if (other.via !== event.via) both.add(event.id);
    }
  }
  for (const { seq, id } of rows) {
    const { data } = JSON.parse(first.get(seq)?.data ?? '{}') as { data?: { audit_id?: string } };
    if (data?.audit_id !== undefined && data.audit_id !== id) violations.push(`event ${seq} is entry ${data.audit_id}`);
  }
  if (!both.size) violations.push('no event was read at both APIs');
  return { events: rows.length, onBoth: both.size, violations };
}
