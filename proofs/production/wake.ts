import { setTimeout as pause } from 'node:timers/promises';
import type { Call } from '../../cli/story';
import { workflowId } from '../../workflows/ids';
import { promptOf, type Cluster } from '../cluster/cluster';

/** An agent that waits for people. */
export interface Waiting {
  agent: number;
  run: string;
  change: number;
  /** Process id of the worker that did its last workflow task, and has it in its cache. */
  worker: number;
}

/** The first answer that is not null. @throws Error naming what was waited for */
export async function when<T>(what: string, look: () => Promise<T | null>, patienceMs = 60_000): Promise<T> {
  for (const deadline = Date.now() + patienceMs; ; await pause(50)) {
    const seen = await look();
    if (seen !== null) return seen;
    if (Date.now() > deadline) throw new Error(`waited ${patienceMs / 1000} s for ${what}`);
  }
}

async function historyOf(c: Cluster, run: string) {
  const temporal = await c.temporal();
  const { events } = await temporal.workflow.getHandle(workflowId('agentRun', c.tenantId, run)).fetchHistory();
  return events ?? [];
}

/** The SDK's identity of a worker is its process id at its machine. */
const pidOf = (identity: string | null | undefined): number => Number((identity ?? '').split('@')[0]);

/** Sets an agent to work by `open`; answers when `look`, at another API, shows the change that it waits for. */
async function begin(open: Call, look: Call, n: number): Promise<Pick<Waiting, 'agent' | 'change'>> {
  const { id: ticket } = await open<{ id: number }>('POST', '/api/tickets', { title: `wake ${n}`, auto_assign: false });
  const prompt = promptOf({ effects: 1, propose: true });
  const { agent_id: agent } = await open<{ agent_id: number }>('POST', `/api/tickets/${ticket}/assign-agent`, { prompt }); // prettier-ignore
  const change = await when(`agent ${agent} to wait for people`, async () => {
    const { changes } = await look<{ changes: { id: number; status: string }[] }>('GET', `/api/changes?agent_id=${agent}`); // prettier-ignore
    return changes.find(({ status }) => status === 'pending')?.id ?? null;
  });
  return { agent, change };
}

/** So many agents that wait for people, and have said so. */
export async function asleep(c: Cluster, open: Call, look: Call, count: number): Promise<Waiting[]> {
  const begun = await Promise.all(Array.from({ length: count }, (_, n) => begin(open, look, n)));
  const owner = await c.owner();
  const runs = await when('every agent to have written that it waits', async () => {
    const { rows } = await owner.query<{ number: number; id: string }>(
      `select number, id from runs where number = any($1) and status = 'pending_approval'`,
      [begun.map(({ agent }) => agent)],
    );
    return rows.length === count ? new Map(rows.map((r) => [r.number, r.id])) : null;
  });
  return Promise.all(
    begun.map(async (b) => {
      const run = runs.get(b.agent) ?? '';
      const tasks = (await historyOf(c, run)).flatMap((e) => e.workflowTaskStartedEventAttributes ?? []);
      return { ...b, run, worker: pidOf(tasks.at(-1)?.identity) };
    }),
  );
}

export interface Woken {
  /** Process id of the worker on which the run went on. */
  worker: number;
  violations: string[];
}

/** Once it has ended: that it went on once, and did what was approved once. */
export async function woken(c: Cluster, { agent, run }: Waiting): Promise<Woken> {
  const owner = await c.owner();
  const { rows } = await owner.query<Record<'approved' | 'resumed' | 'completed' | 'ended', number>>(
    `select count(*) filter (where kind = 'gate.approved')::int as approved,
       count(*) filter (where kind = 'run.started' and transition like 'resume:%')::int as resumed,
       count(*) filter (where kind = 'gate.completed')::int as completed,
       count(*) filter (where kind = 'run.finished')::int as ended
     from log where run_id = $1`,
    [run],
  );
  const history = await historyOf(c, run);
  const dispatched = history.flatMap((e) =>
    e.activityTaskScheduledEventAttributes?.activityType?.name === 'carryOut' ? e.activityTaskScheduledEventAttributes : [],
  ); // prettier-ignore
  const task = history.find((e) => String(e.eventId) === String(dispatched[0]?.workflowTaskCompletedEventId));
  const effects = c.sink.lines().filter((l) => l.run === run && l.outcome === 'applied').length;
  const counts = { ...rows[0], dispatched: dispatched.length, effects };
  // Its own effect, and the approved one.
  const expected = { approved: 1, resumed: 1, completed: 1, ended: 1, dispatched: 1, effects: 2 };
  const fits = JSON.stringify(counts) === JSON.stringify(expected);
  return {
    worker: pidOf(task?.workflowTaskCompletedEventAttributes?.identity),
    violations: fits ? [] : [`agent ${agent}: ${JSON.stringify(counts)}, not ${JSON.stringify(expected)}`],
  };
}
