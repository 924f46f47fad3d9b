import { Context } from '@temporalio/activity';
import { openAccess } from '../../db/access-queries';
import { gates } from '../../db/gates';
import { investigations } from '../../db/investigations';
import { postmortems } from '../../db/learning';
import { pipelines } from '../../db/pipelines';
import { forgetWindows } from '../../db/rate-limits';
import { runs } from '../../db/runs';
import { settledStatuses, type AccessRequest } from '../../domain/access';
import type { Gate } from '../../domain/gate';
import { endedStatuses } from '../../domain/run';
import { attemptId, workflowId } from '../../workflows/ids';
import type { Deps } from '../deps';
import { forgetLost } from '../agents/command/left-over';
import { endByTime } from './expire';
import type { synthesisActivities } from '../learning/synthesise';
import type { investigationActivities } from '../lifecycle/investigations';
import type { pipelineActivities } from '../lifecycle/pipelines';
import type { runActivities } from '../lifecycle/runs';
import { isGone as goneIn } from './gone';

/** An access request that has to end, or whose lease has to. `gone`: its workflow is, so nobody else takes the lease back. */
export interface Orphan {
  access: AccessRequest;
  reason: string;
  gone: boolean;
  /** A credential may be alive. */
  lent: boolean;
}

/** What was found; the workflow takes leases back and tells those who still wait for something that is over. */
export interface Swept {
  runs: number;
  investigations: number;
  pipelines: number;
  access: Orphan[];
  gates: Gate[];
}

/** Of each kind, tenant and sweep. */
const limit = 100;
/** Looked at, of each kind and tenant. */
const most = 1_000;

/** Terminate runs no clean-up code, so what it left is found here, by asking Temporal itself. */
export const sweepActivities = (
  deps: Deps,
  {
    abandonRun,
    abandonInvestigation,
    abandonPipeline,
    synthesiseByRules,
  }: Pick<ReturnType<typeof runActivities>, 'abandonRun'> &
    Pick<ReturnType<typeof investigationActivities>, 'abandonInvestigation'> &
    Pick<ReturnType<typeof pipelineActivities>, 'abandonPipeline'> &
    Pick<ReturnType<typeof synthesisActivities>, 'synthesiseByRules'>,
) => {
  const { store, temporal, logger } = deps;
  const isGone = async (id: string): Promise<boolean> => (await goneIn(temporal, id)) !== null;

  /** A run's row is written by its workflow, so one without a workflow has lost it; the next attempt at a task stands a moment before it. */
  const abandoned = async (tenantId: string): Promise<number> => {
    const alive = await store.read(tenantId, (tx) =>
      runs.list(
        tx,
        `where not status = any($1) and not exists (select from task_orders o where o.run_id = runs.id and o.attempt > 1
           and runs.created_at > now() - interval '1 minute') order by number limit ${most}`,
        [endedStatuses],
      ),
    );
    let count = 0;
    for (const run of alive) {
      Context.current().heartbeat(tenantId);
      if (!(await isGone(workflowId('agentRun', tenantId, run.id)))) continue;
      if (await abandonRun(run)) count += 1;
    }
    return count;
  };

  /** The same for an investigation, which can be resumed then. */
  const abandonedInvestigations = async (tenantId: string): Promise<number> => {
    const alive = await store.read(tenantId, (tx) =>
      investigations.list(tx, `where status in ('PENDING', 'IN_PROGRESS') order by created_at limit ${most}`, []),
    );
    let count = 0;
    for (const it of alive) {
      Context.current().heartbeat(tenantId);
      if (!(await isGone(workflowId('investigation', tenantId, attemptId(it.id, it.attempt))))) continue;
      if (await abandonInvestigation(it)) count += 1;
    }
    return count;
  };

  const abandonedPipelines = async (tenantId: string): Promise<number> => {
    const alive = await store.read(tenantId, (tx) =>
      pipelines.list(tx, `where finished_at is null order by number limit ${most}`, []),
    );
    let count = 0;
    for (const p of alive) {
      Context.current().heartbeat(tenantId);
      if (!(await isGone(workflowId('pipelineRun', tenantId, p.id)))) continue;
      if (await abandonPipeline(p)) count += 1;
    }
    return count;
  };

  /** A draft that no model is at any more; one that is young may not have come to its workflow yet. */
  const abandonedSyntheses = async (tenantId: string): Promise<void> => {
    const drafted = await store.read(tenantId, (tx) =>
      postmortems.list(
        tx,
        `where synthesis ->> 'state' = 'pending' and created_at < now() - interval '10 minutes' order by number limit ${most}`,
        [],
      ),
    );
    for (const { id } of drafted) {
      Context.current().heartbeat(tenantId);
      if (!(await isGone(workflowId('postmortemSynthesis', tenantId, id)))) continue;
      await synthesiseByRules({ tenantId, postmortemId: id, reason: 'its workflow was terminated' });
    }
  };

  const orphans = async (tenantId: string): Promise<Orphan[]> => {
    const found: Orphan[] = [];
    for (const { access, due, openLease } of await store.read(tenantId, (tx) => openAccess(tx, most))) {
      if (found.length === limit) break;
      Context.current().heartbeat(tenantId);
      const gone = await isGone(workflowId('accessRequest', tenantId, access.id));
      const reason = due ?? (gone ? 'its workflow was terminated' : null);
      // One that takes back already needs no telling.
      if (reason !== null && (gone || openLease !== 'revoking'))
        found.push({ access, reason, gone, lent: openLease !== null });
    }
    return found;
  };

  return {
    async sweepTenants(): Promise<Swept> {
      const swept: Swept = { runs: 0, investigations: 0, pipelines: 0, access: [], gates: [] };
      for (const tenantId of await store.tenants()) {
        Context.current().heartbeat(tenantId);
        await endByTime(deps, tenantId);
        swept.runs += await abandoned(tenantId);
        swept.investigations += await abandonedInvestigations(tenantId);
        swept.pipelines += await abandonedPipelines(tenantId);
        await abandonedSyntheses(tenantId);
        await forgetLost(deps, tenantId);
        swept.access.push(...(await orphans(tenantId)));
        // Of runs sealed gates only: what people asked for in a run's name is theirs to end.
        const left = await store.read(tenantId, (tx) =>
          gates.list(
            tx,
            `where status in ('pending', 'approved') and (
               digest is not null and exists (select from runs r where r.id = gates.run_id and r.status = any($1))
               or exists (select from access_requests a where a.id = gates.access_request_id and a.status = any($2)))
             order by number limit ${limit}`,
            [endedStatuses, settledStatuses],
          ),
        );
        swept.gates.push(...left);
      }
      await forgetWindows(store.pool);
      const [abandonedRuns, requests] = [swept.runs, swept.access.length];
      if (abandonedRuns + swept.investigations + swept.pipelines + requests)
        logger.warn(
          { runs: abandonedRuns, investigations: swept.investigations, pipelines: swept.pipelines, requests },
          'found what terminated workflows left',
        );
      return swept;
    },
  };
};
