import { raiseProgress } from '../../../db/agent-processes';
import { sayCheckpoint } from '../../../db/checkpoints';
import { prolong } from '../../../db/remote-tasks';
import { deliver } from '../../../db/steer';
import { attemptHeld, taskOfRun } from '../../../db/tasks';
import type { Read, Write } from '../../../db/tx';
import type { CommandOutcome } from '../../../domain/agent-process';
import { label, type LabelName } from '../../../domain/remote-task';
import { storableText } from '../../../domain/storable';
import { filterOutput } from '../../../pipeline/output-filter';
import { idOf } from '../../contracts/orchestration/door';
import type { workers } from '../../contracts/orchestration/workers';
import type { Ctx, Handlers } from '../../kernel';
import { claimWork, clean, keyOf } from '../agentic/remote-claim';
import { asHolder, endHeld, heldView, passOnEnd, type Held } from '../agentic/remote-hold';

async function held(tx: Read, of: Held) {
  const [said, task] = [await heldView(tx, of), await taskOfRun(tx, of.run.id)];
  return {
    id: idOf('task', task?.number ?? said.task_id),
    fence: said.token,
    lease_until: said.lease_until,
    stop: said.stop,
    messages: said.steering.map(({ author, body }) => ({ author, text: body })),
  };
}

async function claimed(ctx: Ctx, tx: Write, of: Held) {
  const [base, task] = [await held(tx, of), await taskOfRun(tx, of.run.id)];
  if (!task) throw new Error(`run ${of.run.id} is no task`);
  return {
    ...base,
    agent_id: idOf('agent', task.agent),
    type: task.kind,
    priority: task.priority,
    payload: task.payload ?? {},
    attempt: task.attempt,
    prompt: of.run.prompt,
    credential: keyOf(ctx, of.task),
  };
}

/** What of the work a claim is about. */
const labelsOf = (of: Partial<Record<LabelName, string | undefined>>): string[] =>
  Object.entries(of).flatMap(([name, value]) => (value === undefined ? [] : [label(name, value)]));

export const workerHandlers: Handlers<typeof workers> = {
  claimWork: async ({ body }, ctx) => {
    const { agent_id: agent, agent_type, type, ...wanted } = body;
    const labels = labelsOf({ agent: agent === undefined ? undefined : idOf('agent', agent), agent_type, type });
    return { task: await claimWork(ctx, { ...wanted, labels }, (tx, of) => claimed(ctx, tx, of)) };
  },

  heartbeatWork: ({ params: { task_id: number }, body: { fence: token, progress, message } }, ctx) =>
    ctx.write(async (tx) => {
      const says = progress === undefined && message === undefined ? ('listening' as const) : ('working' as const);
      const of = await asHolder(ctx, tx, await attemptHeld(tx, number, token), { number, token, says });
      const { run, task } = of;
      if (task.endedAt !== null) return held(tx, of);
      if (says === 'working') {
        const percent = Math.min(99, Math.floor(progress ?? run.progress));
        const text = message === undefined ? null : clean(message, 500);
        const by = { id: run.agentId, kind: 'agent' as const, name: `agent-${run.number}` };
        const step = text?.slice(0, 100) ?? `${percent} %`;
        await sayCheckpoint(tx, run, by, { step, status: 'running', output: text, progress: percent });
        await raiseProgress(tx, run.id, percent);
      }
      await deliver(tx, run);
      return held(tx, { run, task: await prolong(tx, task.id) });
    }),

  completeWork: async ({ params: { task_id: number }, body }, ctx) => {
    const outcome: CommandOutcome =
      body.status === 'completed'
        ? { is: 'finished', result: storableText(JSON.stringify(filterOutput(body.result).value)) }
        : { is: 'failed', error: clean(body.error, 2_000) };
    const { answer, run } = await ctx.write(async (tx) => {
      const seen = await attemptHeld(tx, number, body.fence);
      const of = await endHeld(ctx, tx, seen, { number, token: body.fence, outcome });
      return { answer: await held(tx, of), run: of.run };
    });
    passOnEnd(ctx, run);
    return answer;
  },
};
