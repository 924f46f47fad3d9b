import { Context } from '@temporalio/activity';
import { WorkflowNotFoundError } from '@temporalio/client';
import { accessRequests } from '../../db/access';
import { gates } from '../../db/gates';
import { runs } from '../../db/runs';
import type { AccessRequest } from '../../domain/access';
import type { Gate } from '../../domain/gate';
import { endedStatuses } from '../../domain/run';
import { workflowId } from '../../workflows/ids';
import type { Deps } from '../deps';
import type { runActivities } from '../lifecycle/runs';
import type { leaseActivities } from './leases';

/** What was found; the workflow tells those who still wait for something that is over. */
export interface Swept {
  runs: number;
  leases: number;
  access: AccessRequest[];
  gates: Gate[];
}

/** Of each kind, tenant and sweep. */
const limit = 100;

/** Terminate runs no clean-up code, so what a run held is taken back here. */
export const sweepActivities = (
  { store, temporal, logger }: Deps,
  { abandonRun }: Pick<ReturnType<typeof runActivities>, 'abandonRun'>,
  { revokeLease }: ReturnType<typeof leaseActivities>,
) => {
  const isGone = async (id: string): Promise<boolean> => {
    try {
      return (await temporal.getHandle(id).describe()).status.name !== 'RUNNING';
    } catch (e) {
      if (e instanceof WorkflowNotFoundError) return true;
      throw e;
    }
  };

  /** A minute's grace: between its start and its first row, and between its last row and its end, a run is no orphan. */
  const abandoned = async (tenantId: string): Promise<number> => {
    const alive = await store.read(tenantId, (tx) =>
      runs.list(
        tx,
        `where not status = any($1) and created_at < now() - interval '1 minute' order by number limit 1000`,
        [endedStatuses],
      ),
    );
    let count = 0;
    for (const run of alive) {
      Context.current().heartbeat(tenantId);
      if (!(await isGone(workflowId('agentRun', tenantId, run.id)))) continue;
      await abandonRun(run);
      count += 1;
    }
    return count;
  };

  const orphans = (tenantId: string) =>
    store.read(tenantId, async (tx) => {
      const over = (table: string): string =>
        `exists (select from runs r where r.id = ${table}.run_id and r.status = any($1))`;
      return {
        access: await accessRequests.list(
          tx,
          `where status in ('pending_approval', 'approved', 'granted') and (${over('access_requests')} or exists (
             select from leases l where l.access_request_id = access_requests.id and l.status = 'active' and l.expires_at < now()))
           order by number limit ${limit}`,
          [endedStatuses],
        ),
        // Lent while the request was about to end, by a workflow that is gone since.
        left: await accessRequests.list(
          tx,
          `where status in ('rejected', 'expired', 'revoked') and exists (
             select from leases l where l.access_request_id = access_requests.id and l.status = 'active')
           order by number limit ${limit}`,
          [],
        ),
        // Sealed gates only: what people asked for in a run's name is theirs to end.
        gates: await gates.list(
          tx,
          `where status in ('pending', 'approved') and digest is not null and ${over('gates')} order by number limit ${limit}`,
          [endedStatuses],
        ),
      };
    });

  return {
    async sweepTenants(): Promise<Swept> {
      const swept: Swept = { runs: 0, leases: 0, access: [], gates: [] };
      for (const tenantId of await store.tenants()) {
        Context.current().heartbeat(tenantId);
        swept.runs += await abandoned(tenantId);
        const { access, left, gates } = await orphans(tenantId);
        for (const lent of [...access.filter((a) => a.status === 'granted'), ...left]) {
          await revokeLease(lent, 'its run is over');
          swept.leases += 1;
        }
        swept.access.push(...access);
        swept.gates.push(...gates);
      }
      const { runs, leases } = swept;
      if (runs + leases) logger.warn({ runs, leases }, 'swept what terminated workflows left');
      return swept;
    },
  };
};
