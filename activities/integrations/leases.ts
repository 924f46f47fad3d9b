import { randomBytes } from 'node:crypto';
import { v5 } from 'uuid';
import type { AccessRequest } from '../../domain/access';
import { system } from '../../domain/principal';
import { endedStatuses } from '../../domain/run';
import { seal } from '../../log/keys';
import type { Deps } from '../deps';

/**
 * The embedded credential store: a fresh secret a lease, sealed under the master key, gone when the lease ends. Both
 * activities may run again after a lost answer: a lease is one row a request, and ending what has ended changes nothing.
 * Times are the database's: a worker whose clock is wrong lends no longer for it.
 */
export const leaseActivities = ({ store, masterKey }: Pick<Deps, 'store' | 'masterKey'>) => ({
  /**
   * Null when no scope could be inferred: then access is a matter between people, without a credential. Null as well
   * when the request or its run is over: an attempt that was given up may come late, and would lend to nobody.
   */
  async grantLease(access: AccessRequest, leaseMs: number): Promise<{ leaseId: string } | null> {
    const scope = access.lease;
    if (!scope) return null;
    const leaseId = v5('lease', access.id);
    const ref = `<vault:agent_${access.runId ?? access.number}_${scope.system}_${scope.resourceType}_${scope.resourceId}_${scope.action}>`;
    return store.write(access.tenantId, async (tx) => {
      // Locked, so that who ends the request comes before, and is seen, or after, and sees the lease.
      const wanted = await tx.query(
        `select from access_requests a where id = $1 and status in ('approved', 'granted')
           and not exists (select from runs r where r.id = a.run_id and r.status = any($2)) for update`,
        [access.id, endedStatuses],
      );
      if (!wanted.rowCount) {
        // What an earlier attempt lent has to be known, to be taken back.
        const lent = await tx.query('select from leases where id = $1', [leaseId]);
        return lent.rowCount ? { leaseId } : null;
      }
      const { rowCount } = await tx.query(
        `insert into leases (id, tenant_id, access_request_id, run_id, agent_id, system, resource_type, resource_id, action,
           credential_ref, secret_sealed, status, granted_by, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'active', $12, now() + $13 * interval '1 millisecond') on conflict do nothing`,
        [
          leaseId, access.tenantId, access.id, access.runId, access.agentId, scope.system, scope.resourceType, scope.resourceId,
          scope.action, ref, seal(masterKey, randomBytes(32), `lease:${leaseId}`), access.approvalActor,
          leaseMs,
        ], // prettier-ignore
      );
      if (!rowCount) return { leaseId };
      tx.log({
        kind: 'lease.granted',
        actor: access.approvalActor ?? system,
        subject: { kind: 'lease', id: leaseId },
        ticketId: access.ticketId,
        runId: access.runId,
        agentId: access.agentId,
        body: { ...scope, credential_ref: ref, secret_values_returned: false },
      });
      return { leaseId };
    });
  },

  revokeLease: async (access: AccessRequest, reason: string): Promise<void> => {
    await store.write(access.tenantId, async (tx) => {
      const { rowCount } = await tx.query(
        `update leases set status = $2, secret_sealed = null, ended_at = now(), end_reason = $3
         where access_request_id = $1 and status = 'active'`,
        [access.id, reason === 'expired' ? 'expired' : 'revoked', reason],
      );
      if (!rowCount) return;
      tx.log({
        kind: 'lease.revoked',
        actor: system,
        subject: { kind: 'lease', id: access.leaseId ?? access.id },
        ticketId: access.ticketId,
        runId: access.runId,
        agentId: access.agentId,
        reason,
        body: { secret_values_returned: false },
      });
    });
  },
});
