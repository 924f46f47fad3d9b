import type { Agent } from '../../../domain/agent';
import type { Ctx } from '../../kernel';
import { followSchedule } from '../../schedules';

/** The short way, after the commit. Nobody waits for it: what it does not reach, the reader of the log does. */
export function scheduleSoon(ctx: Ctx, agent: Pick<Agent, 'id' | 'name'>): void {
  const { store, temporal, logger } = ctx.kernel;
  const { schedule, queues } = temporal;
  temporal.aside(() =>
    followSchedule({ store, schedule, queues }, ctx.tenantId, agent.id).catch((err: unknown) => {
      logger.debug({ err, agent: agent.name }, 'its Schedule was not changed at once; the worker does it');
    }),
  );
}
