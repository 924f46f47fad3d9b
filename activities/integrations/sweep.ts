import { Context } from '@temporalio/activity';
import { WorkflowNotFoundError } from '@temporalio/client';
import { accessRequests } from '../../db/access';
import { runs } from '../../db/runs';
import { endedStatuses } from '../../domain/run';
import { workflowId } from '../../workflows/ids';
import type { Deps } from '../deps';
import type { runActivities } from '../lifecycle/runs';
import type { leaseActivities } from './leases';

/** Terminate runs no clean-up code, so what a run held is taken back here. */
export const sweepActivities = (
  { store, temporal, logger }: Deps,
  { abandonRun }: ReturnType<typeof runActivities>,
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

  return {
    async sweepTenants(): Promise<{ runs: number; leases: number }> {
      const swept = { runs: 0, leases: 0 };
      for (const tenantId of await store.tenants()) {
        Context.current().heartbeat(tenantId);
        const { alive, orphans } = await store.read(tenantId, async (tx) => ({
          // A minute's grace: between its start and its first row, and between its last row and its end, a run is no orphan.
          alive: await runs.list(tx, `where not status = any($1) and created_at < now() - interval '1 minute' order by number limit 1000`, [endedStatuses]),
          orphans: await accessRequests.list(
            tx,
            `where exists (select from leases l where l.access_request_id = access_requests.id and l.status = 'active'
               and (l.expires_at < now() or exists (select from runs r where r.id = l.run_id and r.status = any($1)))) limit 1000`,
            [endedStatuses],
          ),
        }));
        for (const run of alive) {
          if (!(await isGone(workflowId('agentRun', tenantId, run.id)))) continue;
          await abandonRun(run);
          swept.runs += 1;
        }
        for (const access of orphans) {
          await revokeLease(access, 'its run is over');
          swept.leases += 1;
        }
      }
      if (swept.runs + swept.leases) logger.warn(swept, 'swept what terminated workflows left');
      return swept;
    },
  };
};
