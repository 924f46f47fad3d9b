import { lendable } from '../db/leases';
import { Forbidden } from '../domain/errors';
import type { LeaseScope } from '../domain/harness';
import { unseal } from '../log/keys';
import type { Store } from '../log/store';
import type { Call, Credential } from './call';
import { matchesGlob } from './tools/vault';

/** Lends a call what was leased to its run: the use is in the log before anybody has the secret. */
export const lendTo =
  ({ store, masterKey }: { store: Store; masterKey: Buffer }, call: Call, signal: AbortSignal) =>
  (scope: LeaseScope): Promise<Credential> =>
    store.write(call.tenantId, async (tx) => {
      const { system, resourceType, resourceId, action } = scope;
      const found = await lendable(tx, { runId: call.owner.id, system, resourceType, action });
      const lease = found.find((l) => matchesGlob(l.resource_id, resourceId));
      if (!lease) throw new Forbidden(`no lease covers ${system}/${resourceType}/${resourceId}/${action}`);
      tx.log({
        kind: 'lease.used',
        actor: call.actor,
        subject: { kind: 'lease', id: lease.id },
        ticketId: call.ticketId,
        runId: call.owner.kind === 'run' ? call.owner.id : null,
        agentId: call.agentId,
        tool: call.tool,
        body: { step: call.owner.step, ...scope, secret_values_returned: false },
      });
      return {
        secret: unseal(masterKey, lease.secret_sealed, `lease:${lease.id}`).toString('utf8'),
        signal: AbortSignal.any([signal, AbortSignal.timeout(Math.max(0, Math.floor(lease.left_ms)))]),
      };
    });
