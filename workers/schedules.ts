import { ScheduleAlreadyRunning, ScheduleNotFoundError, ScheduleOverlapPolicy, type Client } from '@temporalio/client';
import type { Config } from '../config';
import type { SyncMode } from '../domain/provider';
import { queuesOf } from '../domain/queues';
import type * as workflows from '../workflows';
import type { ProviderSync } from '../workflows/provider-sync';

interface Regular {
  workflow: keyof typeof workflows;
  /** Null: not at all. */
  seconds: number | null;
  /** Where one workflow is begun in several ways. */
  as?: string;
  args?: unknown[];
}

/** What is done every so often, whoever runs: one at a time, and missed ones are not made up for. */
function regular({ sweepSeconds, alertSeconds, itop, tools, taskQueuePrefix }: Config): Regular[] {
  const { integrations: queue } = queuesOf(taskQueuePrefix);
  const look = (mode: SyncMode): { workflow: 'providerSync'; as: string; args: [ProviderSync] } => ({
    workflow: 'providerSync',
    as: `providerSync-${mode}`,
    args: [{ tenantId: null, provider: 'itop', queue, mode }],
  });
  return [
    // What terminated workflows left behind is taken back.
    { workflow: 'sweep', seconds: sweepSeconds },
    // What follows from time alone is noticed; and whatever was missed.
    { workflow: 'evaluateAlerts', seconds: alertSeconds },
    // What is new at the provider, and what changed there.
    { ...look('discover'), seconds: itop?.discoverySeconds ?? null },
    { ...look('full'), seconds: itop?.syncSeconds ?? null },
    // How tools and the parts of the installation are.
    {
      workflow: 'toolLooks',
      seconds: tools.checkSeconds,
      args: [{ tenantId: null, toolId: null, asked: null, queue }],
    },
  ];
}

/** Makes each of them a Schedule, brings the one that stands to its interval, or ends one that is no longer wanted. */
export async function ensureSchedules(client: Client, taskQueue: string, config: Config): Promise<void> {
  for (const one of regular(config)) {
    const id = `${config.taskQueuePrefix}-${one.as ?? one.workflow}`;
    if (one.seconds === null) await end(client, id);
    else await ensure(client, id, taskQueue, { ...one, seconds: one.seconds });
  }
}

async function end(client: Client, id: string): Promise<void> {
  try {
    await client.schedule.getHandle(id).delete();
  } catch (e) {
    if (!(e instanceof ScheduleNotFoundError)) throw e;
  }
}

async function ensure(
  client: Client,
  id: string,
  taskQueue: string,
  { workflow, seconds, args = [] }: Regular & { seconds: number },
): Promise<void> {
  const spec = { intervals: [{ every: seconds * 1000 }] };
  try {
    await client.schedule.create({
      scheduleId: id,
      spec,
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '10 seconds' },
      action: { type: 'startWorkflow', workflowType: workflow, taskQueue, workflowId: id, args },
    });
  } catch (e) {
    if (!(e instanceof ScheduleAlreadyRunning)) throw e;
    const stands = client.schedule.getHandle(id);
    if ((await stands.describe()).spec.intervals?.[0]?.every === spec.intervals[0]?.every) return;
    await stands.update(({ info: _, ...schedule }) => ({ ...schedule, spec }));
  }
}
