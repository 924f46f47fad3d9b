import { lendable, type Lendable } from '../db/leases';
import type { Read, Write } from '../db/tx';
import { Forbidden } from '../domain/errors';
import type { LeaseScope } from '../domain/harness';
import { unseal } from '../log/keys';
import type { Store } from '../log/store';
import type { Call, Credential } from './call';
import { matchesGlob } from './tools/vault';

/** The narrowest lease of the run that covers it at this moment, held until the transaction ends; null when none does. */
export async function leaseFor(tx: Read, runId: string, scope: LeaseScope): Promise<Lendable | null> {
  const { system, resourceType, resourceId, action } = scope;
  const found = await lendable(tx, { runId, system, resourceType, action });
  return found.find((l) => matchesGlob(l.resource_id, resourceId)) ?? null;
}

/** What a secret of the tenant's is sealed for. */
export const aboutKept = (id: string): string => `kept-secret:${id}`;

/** For whoever uses it at once: after that nobody has it. */
export const secretOf = (masterKey: Buffer, lease: Lendable): string =>
  unseal(
    masterKey,
    lease.secret_sealed,
    lease.kept_secret_id === null ? `lease:${lease.id}` : aboutKept(lease.kept_secret_id),
  ).toString('utf8');

/** Aborted when the lease ends by the database's clock. */
export const untilItsEnd = (lease: Lendable): AbortSignal =>
  AbortSignal.timeout(Math.max(0, Math.floor(lease.left_ms)));

/** Committed before anybody has the secret. */
export const noteUse = (tx: Write, call: Call, { id }: Lendable, scope: LeaseScope): void =>
  void tx.log({
    kind: 'lease.used',
    actor: call.actor,
    subject: { kind: 'lease', id },
    ticketId: call.ticketId,
    runId: call.owner.kind === 'run' ? call.owner.id : null,
    agentId: call.agentId,
    tool: call.tool,
    body: { step: call.owner.step, ...scope, secret_values_returned: false },
  });

/** Lends a call what was leased to its run: the use is in the log before anybody has the secret. */
export const lendTo =
  ({ store, masterKey }: { store: Store; masterKey: Buffer }, call: Call, signal: AbortSignal) =>
  (scope: LeaseScope): Promise<Credential> =>
    store.write(call.tenantId, async (tx) => {
      const lease = await leaseFor(tx, call.owner.id, scope);
      if (!lease) {
        const { system, resourceType, resourceId, action } = scope;
        throw new Forbidden(`no lease covers ${system}/${resourceType}/${resourceId}/${action}`);
      }
      noteUse(tx, call, lease, scope);
      return { secret: secretOf(masterKey, lease), signal: AbortSignal.any([signal, untilItsEnd(lease)]) };
    });
