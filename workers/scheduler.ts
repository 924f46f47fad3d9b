import { followSchedule, type Scheduler } from '../api/schedules';
import { oneByOne, type Reader } from './reader';

/** Has Temporal's Schedules follow the registry's rows, wherever the API that wrote them has ended before it did. */
export const scheduler = (s: Scheduler, signal: AbortSignal): Reader => ({
  name: 'schedules',
  kinds: ['agent.registered', 'agent.updated', 'agent.deleted', 'agent.quarantined', 'agent.quarantine_released'],
  often: {
    pollMs: 1_000,
    longestWaitMs: 30_000,
    trouble: 'schedules of agents could not be changed; it is tried again',
  },
  take: oneByOne(signal, (tenantId, { subjectId }) => followSchedule(s, tenantId, subjectId)),
});
