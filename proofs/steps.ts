import { setTimeout as pause } from 'node:timers/promises';
import { client } from '../cli/story';
import { workflowId } from '../workflows/ids';
import { promptOf, withCluster, type Cluster } from './cluster/cluster';
import type { Options, Outcome, Proof } from './proof';
import { random } from './random';
import { judgeRun, type LongRun } from './steps/judge';
import { scriptedModel, tokens, type Scripted } from './steps/model';

const patienceMs = 600_000;
const price = { input: 2, output: 10 };

/** Steps that stand in the ledger of each run. */
async function stepsOf(c: Cluster, runs: readonly LongRun[]): Promise<number[]> {
  const db = await c.owner();
  const { rows } = await db.query<{ id: string; n: number }>(
    'select owner_id as id, count(*)::int as n from executions where owner_id = any($1) group by 1',
    [runs.map((r) => r.id)],
  );
  return runs.map((r) => rows.find(({ id }) => id === r.id)?.n ?? 0);
}

/** @throws Error saying how far they are */
async function until(c: Cluster, runs: readonly LongRun[], reached: (steps: number[]) => boolean): Promise<void> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const steps = await stepsOf(c, runs);
    if (reached(steps)) return;
    if (Date.now() > deadline) throw new Error(`after ${patienceMs / 1000} s the runs are at ${steps.join(' and ')}`);
    await pause(10);
  }
}

/** Each turn stands once, nothing is reserved any more, and what was spent is what was asked. */
async function judgeTurns(c: Cluster, run: LongRun, model: Scripted): Promise<{ violations: string[]; lost: number }> {
  const db = await c.owner();
  const { rows } = await db.query<{ turn: number; states: string[]; cost: number }>(
    `select turn, array_agg(state order by attempt) as states, sum(cost_micros) filter (where state = 'answered')::int as cost
     from model_turns where run_id = $1 group by turn order by turn`,
    [run.id],
  );
  const cost = tokens.in * price.input + tokens.out * price.output;
  const states = rows.flatMap((r) => r.states);
  return {
    lost: states.filter((s) => s === 'lost').length,
    violations: [
      ...(rows.length === model.turns.size ? [] : [`${rows.length} turns are recorded, ${model.turns.size} were asked for`]),
      ...(states.length >= model.asked ? [] : [`the model was asked ${model.asked} times, and ${states.length} attempts are recorded`]),
      ...rows.flatMap(({ turn, states: of, cost: spent }) => [
        ...(of.filter((s) => s === 'answered').length === 1 ? [] : [`turn ${turn} stands as ${of.join(', ')}`]),
        ...(of.includes('reserved') ? [`turn ${turn} is reserved still`] : []),
        ...(spent === cost ? [] : [`turn ${turn} cost ${spent}, not ${cost}`]),
      ]),
    ],
  }; // prettier-ignore
}

async function run({ config, count, seed, form, say }: Options): Promise<Outcome> {
  const chance = random(seed);
  const kills = Math.max(2, Math.round(count / 50));
  const model = await scriptedModel(count);
  // A window that a long run outgrows several times, and a budget that it does not.
  const models = [{ name: 'scripted', api: 'openai', url: model.url, context_window: 24_000, max_output: 500, price }];
  const env = {
    AGENT_MODELS: JSON.stringify(models),
    AGENT_BUDGET_TOKENS: '1000000000',
    AGENT_BUDGET_MONEY: '1000000',
  };
  try {
    return await withCluster({ config, form, env }, async (c) => {
      const ask = client({ url: c.apiUrls[0] ?? '', token: c.token });
      const begin = async (what: string, body: unknown): Promise<LongRun> => {
        const { id } = await ask<{ id: number }>('POST', '/api/tickets', { title: what, auto_assign: false });
        const spawned = await ask<{ agent_id: number }>('POST', `/api/tickets/${id}/assign-agent`, body);
        const db = await c.owner();
        const { rows } = await db.query<{ id: string }>('select id from runs where number = $1', [spawned.agent_id]);
        return { what, id: rows[0]?.id ?? '', agent: spawned.agent_id };
      };
      const from = performance.now();
      const byModel = await begin('a model', { harness: 'model' });
      const byPlan = await begin('a plan', { prompt: promptOf({ effects: count, slow: Math.floor(count / 10) }) });
      const runs = [byModel, byPlan];
      const [worker] = c.parts.workers;
      const share = count / (kills + 1);
      for (let n = 1; n <= kills; n += 1) {
        const at = Math.floor(n * share - chance.fraction() * (share / 2));
        await until(c, [byModel], ([steps = 0]) => steps >= at);
        await pause(chance.below(12)); // in an answer, in a call, between them
        await worker?.kill();
        await worker?.start();
        say(`${n}/${kills} kills, at step ${at} of ${count}`);
      }
      await until(c, runs, (steps) => steps.every((n) => n >= count));
      await c.settle(120_000);
      const seconds = (performance.now() - from) / 1000;
      const turns = await judgeTurns(c, byModel, model);
      const verified = await ask<{ data: { valid: boolean } }>('GET', '/audit/logs/verify');
      const violations = [
        ...(await judgeRun(c, byModel, count)),
        ...(await judgeRun(c, byPlan, count)),
        ...turns.violations,
        ...(verified.data.valid ? [] : ['the log does not verify']),
      ];
      const temporal = await c.temporal();
      const workflows = [];
      for await (const w of temporal.workflow.list({
        query: `WorkflowId = "${workflowId('agentRun', c.tenantId, byModel.id)}"`,
      }))
        workflows.push(w.runId);
      return {
        figures: {
          kills, steps: 2 * count, turns: model.turns.size, asked: model.asked, lost: turns.lost, workflows: workflows.length,
          seconds: seconds.toFixed(0),
        }, violations,
      }; // prettier-ignore
    });
  } finally {
    await model.close();
  }
}

export const steps: Proof = {
  title:
    'long runs, by a model and by a plan, whose worker is killed again and again: each effect once, each turn counted once',
  quick: 12,
  waits: true,
  run,
};
