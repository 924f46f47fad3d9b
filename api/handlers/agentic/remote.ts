import { deliver } from '../../../db/steer';
import { leasesOfRun } from '../../../db/access-queries';
import { raiseProgress } from '../../../db/agent-processes';
import { sayCheckpoint } from '../../../db/checkpoints';
import { end } from '../../../db/remote-leases';
import { prolong } from '../../../db/remote-tasks';
import { runByTask } from '../../../db/run-queries';
import type { Write } from '../../../db/tx';
import type { CommandOutcome } from '../../../domain/agent-process';
import { waitOf } from '../../../runner/outcome';
import type { remote } from '../../contracts/agentic/remote';
import type { Ctx, Handlers } from '../../kernel';
import { claimWork, clean, keyOf } from './remote-claim';
import { asHolder, endHeld, heldView, over, passOnEnd, type Held } from './remote-hold';
import { leaseView } from './ticket-views';

const mostOutput = 500;

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
    credential: { token: keyOf(ctx, task), agent_id: said.agent_id, ticket_id: said.ticket_id },
  };
}

/** What its holder says, by which it ends; said again in the same words, it stands. */
async function conclude(ctx: Ctx, number: number, token: number, outcome: CommandOutcome) {
  const { answer, ended } = await ctx.write(async (tx) => {
    const held = await endHeld(ctx, tx, await runByTask(tx, number), { number, token, outcome });
    return { answer: await heldView(tx, held), ended: held.run };
  });
  passOnEnd(ctx, ended);
  return answer;
}

export const remoteHandlers: Handlers<typeof remote> = {
  claimTask: async ({ body }, ctx) => ({
    task: await claimWork(ctx, body, (tx, held) => claimedView(ctx, tx, held)),
  }),

  heartbeatTask: ({ params, body }, ctx) =>
    ctx.write(async (tx) => {
      const held = await asHolder(ctx, tx, await runByTask(tx, params.task_id), {
        number: params.task_id,
        token: body.token,
        says: 'listening',
      });
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
      const held = await asHolder(ctx, tx, await runByTask(tx, params.task_id), {
        number: params.task_id,
        token: body.token,
        says: outcome ?? 'working',
      });
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
