import { ScheduleAlreadyRunning, ScheduleOverlapPolicy, type Client } from '@temporalio/client';
import type { Config } from '../config';
import type * as workflows from '../workflows';

interface Regular {
  workflow: keyof typeof workflows;
  seconds: number;
}

/** What is done every so often, whoever runs: one at a time, and missed ones are not made up for. */
const regular = (config: Config): Regular[] => [
  // What terminated workflows left behind is taken back.
  { workflow: 'sweep', seconds: config.sweepSeconds },
  // What follows from time alone is noticed; and whatever was missed.
  { workflow: 'evaluateAlerts', seconds: config.alertSeconds },
];

/** Makes each of them a Schedule, or brings the one that stands to its interval. */
export async function ensureSchedules(client: Client, taskQueue: string, config: Config): Promise<void> {
  for (const one of regular(config)) await ensure(client, `${config.taskQueuePrefix}-${one.workflow}`, taskQueue, one);
}

async function ensure(client: Client, id: string, taskQueue: string, { workflow, seconds }: Regular): Promise<void> {
  const spec = { intervals: [{ every: seconds * 1000 }] };
  try {
    await client.schedule.create({
      scheduleId: id,
      spec,
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '10 seconds' },
      action: { type: 'startWorkflow', workflowType: workflow, taskQueue, workflowId: id, args: [] },
    });
  } catch (e) {
    if (!(e instanceof ScheduleAlreadyRunning)) throw e;
    const stands = client.schedule.getHandle(id);
    if ((await stands.describe()).spec.intervals?.[0]?.every === spec.intervals[0]?.every) return;
    await stands.update(({ info: _, ...schedule }) => ({ ...schedule, spec }));
  }
}
