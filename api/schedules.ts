import { ScheduleAlreadyRunning, ScheduleNotFoundError, ServiceError, type ScheduleClient } from '@temporalio/client';
import { agents } from '../db/agents';
import { untilOnDisk, type Read, type Write } from '../db/tx';
import { wantedSchedule, type Agent } from '../domain/agent';
import { system } from '../domain/principal';
import type { queuesOf } from '../domain/queues';
import type { Store } from '../log/store';
import { scheduleId, scheduleOf } from '../workflows/schedule';
import { calendarsOf } from './contracts/agent-ops/cron';

export interface Scheduler {
  store: Store;
  schedule: ScheduleClient;
  queues: ReturnType<typeof queuesOf>;
}

const deadlineMs = 3_000;
/** gRPC's code for what no repeat will change. */
const invalidArgument = 3;

/**
 * Makes Temporal's Schedule of an agent what the agent's row says, or ends it. The row is read when it is this one's turn, so
 * whoever comes last has seen what was written last, and doing it once more changes nothing. An expression that cannot be read
 * (it was stored when another one could), or that Temporal refuses, is written down; any other trouble is thrown.
 */
export const followSchedule = (s: Scheduler, tenantId: string, agentId: string): Promise<void> =>
  s.store.write(tenantId, async (tx) => {
    await takeTurn(tx, agentId);
    const agent = await agents.byId(tx, agentId);
    if (!agent) return;
    await untilOnDisk(s.store.pool);
    try {
      await s.schedule.withDeadline(Date.now() + deadlineMs, () => follow(s, agent));
    } catch (e) {
      const why = refusalIn(e);
      if (why === null) throw e;
      await writeDown(tx, agent, why);
    }
  });

const takeTurn = (tx: Read, agentId: string) =>
  tx.query(`select pg_advisory_xact_lock(hashtextextended('schedule:' || $1, 0))`, [agentId]);

async function follow({ schedule, queues }: Scheduler, agent: Agent): Promise<void> {
  const id = scheduleId(agent.tenantId, agent.id);
  const wanted = wantedSchedule(agent);
  const stands = schedule.getHandle(id);
  if (wanted === null) {
    await stands.delete().catch(unlessMissing);
    return;
  }
  const spec = { calendars: read(wanted.expression), timezone: wanted.timezone };
  const rest = scheduleOf(agent, wanted, queues);
  const change = () => stands.update(() => ({ ...rest, spec }));
  try {
    await change();
  } catch (e) {
    unlessMissing(e);
    await schedule.create({ scheduleId: id, ...rest, spec }).catch((trouble: unknown) => {
      // Another installation's worker was quicker: the next look finds it.
      if (!(trouble instanceof ScheduleAlreadyRunning)) throw trouble;
      return change();
    });
  }
}

const unlessMissing = (e: unknown): void => {
  if (!(e instanceof ScheduleNotFoundError)) throw e;
};

class Unreadable extends Error {}

/** @throws Unreadable */
function read(expression: string): ReturnType<typeof calendarsOf> {
  try {
    return calendarsOf(expression);
  } catch (e) {
    throw new Unreadable((e as Error).message, { cause: e });
  }
}

/** Why no repeat will change it; null when one may. */
function refusalIn(e: unknown): string | null {
  if (e instanceof Unreadable) return e.message;
  const refused = e instanceof ServiceError && (e.cause as { code?: unknown } | undefined)?.code === invalidArgument;
  return refused ? (e.cause?.message ?? e.message) : null;
}

async function writeDown(tx: Write, agent: Agent, reason: string): Promise<void> {
  const transition = `schedule-refused:${agent.updatedAt}`;
  const { rowCount } = await tx.query('select from log where subject_id = $1 and transition = $2', [
    agent.id,
    transition,
  ]);
  if (rowCount) return;
  tx.log({
    kind: 'agent.schedule_refused',
    actor: system,
    subject: { kind: 'agent', id: agent.id },
    transition,
    agentId: agent.id,
    decision: 'error',
    reason,
    body: { name: agent.name, schedule: agent.schedule, timezone: agent.timezone },
  });
}
