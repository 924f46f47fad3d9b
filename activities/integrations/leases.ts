import { v5 } from 'uuid';
import {
  activate,
  beginGrant,
  beginRevoke,
  confirmRevoke,
  isWanted,
  leaseOf,
  openLease,
  revokeFailed,
} from '../../db/leases';
import type { Write } from '../../db/tx';
import type { AccessRequest } from '../../domain/access';
import { Refused, type Granted } from '../../domain/credentials';
import type { Gate } from '../../domain/gate';
import { system, type Actor } from '../../domain/principal';
import { seal } from '../../log/keys';
import type { Deps } from '../deps';
import { otherwise } from '../lifecycle/record';

/**
 * `lifeMs`: it is lent for that long. `refused`: it is not, for this reason; what may have been made is to be taken back.
 * `gate`: nothing was done, for its row says something else than what was told.
 */
export type Lent = { leaseId: string } & ({ lifeMs: number } | { refused: string } | { gate: Gate | null });

/**
 * The row comes first: a provider never holds a credential of which nothing is known here, and says what is known: asked
 * for, alive, being taken back, gone. Both activities may run again after a lost answer, beside a late attempt of
 * themselves, and against each other: the row's fence, which the provider keeps too, says whose word counts. Times are the
 * database's: a worker whose clock is wrong lends no longer for it.
 */
export const leaseActivities = ({
  store,
  masterKey,
  credentials,
  logger,
}: Pick<Deps, 'store' | 'masterKey' | 'credentials' | 'logger'>) => {
  const say = (
    tx: Write,
    kind: string,
    leaseId: string,
    access: AccessRequest,
    by: Actor,
    reason: string | null,
  ): void =>
    void tx.log({
      kind,
      actor: by,
      subject: { kind: 'lease', id: leaseId },
      ticketId: access.ticketId,
      runId: access.runId,
      agentId: access.agentId,
      reason,
      body: { ...access.lease, secret_values_returned: false },
    });

  return {
    /** Null when no scope could be inferred: then access is a matter between people, without a credential. */
    async grantLease(
      access: AccessRequest,
      leaseMs: number,
      until: string | null = null,
      told?: Gate,
    ): Promise<Lent | null> {
      const { lease: scope, tenantId } = access;
      if (!scope) return null;
      const leaseId = v5('lease', access.id);
      const by = access.approvalActor ?? system;
      const keptBy = await credentials.keeper(tenantId);
      const asked = await store.write(tenantId, async (tx) => {
        const not = await otherwise(tx, told);
        if (not) return not;
        // An attempt that was given up may come late, and would lend to nobody.
        if (!(await isWanted(tx, access.id))) return 'nobody waits for it any more';
        const ref = `<vault:agent_${access.runId ?? access.number}_${scope.system}_${scope.resourceType}_${scope.resourceId}_${scope.action}>`;
        const opened = await openLease(tx, leaseId, access, { scope, ref, leaseMs, until, keptBy });
        if (opened) say(tx, 'lease.requested', leaseId, access, by, null);
        return opened ?? (await beginGrant(tx, leaseId)) ?? leaseOf(tx, access.id);
      });
      if (asked === null) throw new Error(`no row for lease ${leaseId}`);
      if (typeof asked === 'string') return { leaseId, refused: asked };
      if ('gate' in asked) return { leaseId, ...asked };
      if (asked.status === 'active') return { leaseId, lifeMs: Math.max(0, asked.leftMs) };
      if (asked.status !== 'pending') return { leaseId, refused: asked.endReason ?? asked.status };
      if (asked.leftMs <= 0) return { leaseId, refused: 'its time was over before it was granted' };

      const { fence, expiresAt, leftMs } = asked;
      let granted: Granted;
      try {
        const ask = { tenantId, leaseId, fence, keptBy: asked.keptBy, scope, expiresAt, ttlMs: Math.floor(leftMs) };
        granted = await credentials.grant(ask);
      } catch (e) {
        if (!(e instanceof Refused)) throw e; // made or not, nobody knows: the next attempt finds out
        return { leaseId, refused: `the provider refused: ${e.message}` };
      }
      const lending =
        'keptId' in granted
          ? { sealed: null, keptId: granted.keptId, livesMs: null }
          : {
              sealed: seal(masterKey, granted.secret, `lease:${leaseId}`),
              keptId: null,
              livesMs: granted.livesMs ?? null,
            };
      return store.write(tenantId, async (tx): Promise<Lent> => {
        const lent = await activate(tx, leaseId, fence, lending);
        if (lent) say(tx, 'lease.granted', leaseId, access, by, null);
        const stands = lent ?? (await leaseOf(tx, access.id));
        if (stands?.status === 'active') return { leaseId, lifeMs: Math.max(0, stands.leftMs) };
        // Another attempt is at it: that one answers.
        if (stands?.status === 'pending' && stands.leftMs > 0) throw new Error(`attempt ${fence} to grant is over`);
        return { leaseId, refused: stands?.endReason ?? 'its time was over before it was granted' };
      });
    },

    /** Resolves when the provider has confirmed it; until then the row says `revoking`. To be repeated until it does. */
    async revokeLease(access: AccessRequest, reason: string): Promise<void> {
      const { tenantId } = access;
      const asked = await store.write(tenantId, async (tx) => {
        const known = await leaseOf(tx, access.id);
        const revoking = known && (await beginRevoke(tx, known.id, reason));
        if (revoking && known.status !== 'revoking') say(tx, 'lease.revoking', known.id, access, system, reason);
        return revoking;
      });
      if (!asked) return;
      const { id: leaseId, fence, keptBy } = asked;
      try {
        await credentials.revoke({ tenantId, leaseId, fence, keptBy });
      } catch (e) {
        const why = e instanceof Error ? e.message : String(e);
        logger.warn({ err: e, leaseId, fence }, 'a revocation is not confirmed');
        await store.write(tenantId, (tx) => revokeFailed(tx, leaseId, why));
        throw e;
      }
      await store.write(tenantId, async (tx) => {
        const gone = await confirmRevoke(tx, leaseId);
        if (gone) say(tx, `lease.${gone.status}`, leaseId, access, system, gone.endReason);
      });
    },
  };
};
