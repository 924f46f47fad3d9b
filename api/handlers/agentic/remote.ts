import { deliver } from '../../../db/steer';
import { leasesOfRun } from '../../../db/access-queries';
import { raiseProgress } from '../../../db/agent-processes';
import { sayCheckpoint } from '../../../db/checkpoints';
import { claim, end, lapse } from '../../../db/remote-leases';
import { claimedBy, nextOpen, prolong } from '../../../db/remote-tasks';
import { hasClaimed, heardOf } from '../../../db/remote-workers';
import { runs } from '../../../db/runs';
import type { Write } from '../../../db/tx';
import type { CommandOutcome } from '../../../domain/agent-process';
import type { RemoteTask } from '../../../domain/remote-task';
import { storableText } from '../../../domain/storable';
import { derivedKey, hashKey } from '../../../log/credentials';
import { filterOutput } from '../../../pipeline/output-filter';
import { waitOf } from '../../../runner/outcome';
import type { remote } from '../../contracts/agentic/remote';
import type { Ctx, Handlers } from '../../kernel';
import { awaitWork } from '../await-work';
import { asHolder, heldView, passOnEnd, type Held } from './remote-hold';
import { leaseView } from './ticket-views';

/** After which entries there may be a task to claim. */
const opens = new Set(['task.offered', 'task.lapsed']);
const mostOutput = 500;

/** As it may be written down: without credentials, nor what no row can hold. */
const clean = (text: string, most: number): string => storableText(String(filterOutput(text).value).slice(0, most));

interface Wanted {
  worker: string;
  labels: string[];
  lease_seconds: number;
}

const keyOf = (ctx: Ctx, of: { taskId: string; token: number }): string =>
  derivedKey(ctx.kernel.masterKey, `remote task ${of.taskId}:${of.token}`);

/** A claimed task as its holder is told of it: with its key, the same for whoever repeats the claim. */
async function claimedView(ctx: Ctx, tx: Write, held: Held) {
  const { task, run } = held;
  const lent = (await leasesOfRun(tx, run.id)).filter((l) => l.status === 'active');
  const said = await heldView(tx, held);
  return {
    ...said,
    labels: task.labels,
    brief: task.brief,
    leases: lent.map(leaseView),
    credential: {
      token: keyOf(ctx, { taskId: task.id, token: task.token }),
      agent_id: said.agent_id,
      ticket_id: said.ticket_id,
    },
  };
}

/** The first that is open and fits. One whose time is over is not: it has ended with its lease. */
async function openTask(ctx: Ctx, tx: Write, wanted: Wanted): Promise<Held | null> {
  for (;;) {
    const found = await nextOpen(tx, wanted.labels);
    const run = found && (await runs.byId(tx, found.runId));
    if (!found || !run) return null;
    const open = found.holder === null ? found : await lapse(tx, run, found);
    if (open.endedAt !== null) continue;
    const task = await claim(tx, run, open, {
      holder: ctx.actor,
      worker: wanted.worker,
      claimId: ctx.newId('claim'),
      leaseSeconds: wanted.lease_seconds,
      key: (of) => {
        const secret = keyOf(ctx, of);
        return { hash: hashKey(secret), prefix: secret.slice(0, 12) };
      },
    });
    return { task, run };
  }
}

const claimOne = (ctx: Ctx, wanted: Wanted) =>
  ctx.write(async (tx) => {
    const before = ctx.repeatable ? await claimedBy(tx, ctx.newId('claim')) : null;
    const run = before && (await runs.byId(tx, before.runId));
    const held = before && run ? { task: before, run } : await openTask(ctx, tx, wanted);
    if (!held) return null;
    await hasClaimed(tx, ctx.principal.id, wanted.worker);
    await deliver(tx, held.run);
    return claimedView(ctx, tx, held);
  });

/** What its holder says, by which it ends; said again in the same words, it stands. */
async function conclude(ctx: Ctx, number: number, token: number, outcome: CommandOutcome) {
  const { answer, ended } = await ctx.write(async (tx) => {
    const held = await asHolder(ctx, tx, number, token, outcome);
    if (held.task.endedAt === null) await end(tx, held.run, held.task, outcome, ctx.actor);
    return { answer: await heldView(tx, { ...held, task: over(held.task, outcome) }), ended: held.run };
  });
  passOnEnd(ctx, ended);
  return answer;
}
const over = (task: RemoteTask, outcome: CommandOutcome): RemoteTask => ({ ...task, leaseUntil: null, outcome });

export const remoteHandlers: Handlers<typeof remote> = {
  claimTask: async ({ body }, ctx) => {
    const { wait, worker, labels } = body;
    const by = { ...ctx.actor, id: ctx.principal.id };
    await ctx.write((tx) => heardOf(tx, { by, worker, labels, waits: wait }));
    const task = await awaitWork(ctx, {
      seconds: wait,
      same: [...labels].sort().join('\n'),
      scope: 'agents:claim',
      fits: (entry) => opens.has(entry.kind),
      look: () => claimOne(ctx, body),
    });
    return { task };
  },

  heartbeatTask: ({ params, body }, ctx) =>
    ctx.write(async (tx) => {
      const held = await asHolder(ctx, tx, params.task_id, body.token, 'listening');
      if (held.task.endedAt !== null) return heldView(tx, held);
      await deliver(tx, held.run);
      return heldView(tx, { ...held, task: await prolong(tx, held.task.id) });
    }),

  checkpointTask: async ({ params, body }, ctx) => {
    const c = {
      step: clean(body.step, 100),
      status: clean(body.status, 100).toLowerCase(),
      output: body.output == null ? null : clean(body.output, mostOutput),
      progress: Math.floor(body.progress_pct),
    };
    const wait = waitOf(c);
    const outcome: CommandOutcome | null = wait && { is: 'waiting', for: wait, why: c.output ?? c.step };
    const { answer, ended } = await ctx.write(async (tx) => {
      const held = await asHolder(ctx, tx, params.task_id, body.token, outcome ?? 'working');
      const { run, task } = held;
      if (task.endedAt !== null) return { answer: await heldView(tx, held), ended: run };
      await sayCheckpoint(tx, run, { id: run.agentId, kind: 'agent', name: `agent-${run.number}` }, c);
      await raiseProgress(tx, run.id, Math.min(99, c.progress));
      if (outcome) {
        await end(tx, run, task, outcome, ctx.actor);
        return { answer: await heldView(tx, { run, task: over(task, outcome) }), ended: run };
      }
      await deliver(tx, run);
      return { answer: await heldView(tx, { run, task: await prolong(tx, task.id) }), ended: null };
    });
    if (ended) passOnEnd(ctx, ended);
    return answer;
  },

  completeTask: ({ params, body }, ctx) =>
    conclude(ctx, params.task_id, body.token, { is: 'finished', result: clean(body.result, 20_000) }),

  failTask: ({ params, body }, ctx) => {
    const error = clean(body.error, 2_000);
    const after = body.retry_after_seconds;
    return conclude(
      ctx,
      params.task_id,
      body.token,
      after == null ? { is: 'failed', error } : { is: 'again', why: error, afterMs: after * 1000 },
    );
  },
};
