import { followSchedule, type Scheduler } from '../api/schedules';
import { readLog, type Around } from './reader';

/** Has Temporal's Schedules follow the registry's rows, wherever the API that wrote them has ended before it did. */
export const startScheduler = (scheduler: Scheduler, around: Around): Promise<void> =>
  readLog(
    {
      name: 'schedules',
      kinds: ['agent.registered', 'agent.updated', 'agent.deleted'],
      often: {
        pollMs: 1_000,
        longestWaitMs: 30_000,
        trouble: 'schedules of agents could not be changed; it is tried again',
      },
      pass: (tenantId, { subjectId }) => followSchedule(scheduler, tenantId, subjectId),
    },
    around,
  );
