import { setTimeout as pause } from 'node:timers/promises';
import { promptOf, withCluster, type Cluster } from './cluster/cluster';
import { caller } from './crash/caller';
import type { Options, Outcome, Proof } from './proof';
import { judgeRun, type LongRun } from './steps/judge';
import { scriptedModel } from './steps/model';

const effects = 10;
const patienceMs = 300_000;
/** A run that takes so many times as long as the one in the middle was starved by the others. */
const mostTimes = 3;

interface Lived {
  id: string;
  /** From its first step's turn to its end. */
  ms: number;
  /** The longest that it waited for a step, its own time included. */
  longestMs: number;
}

/** When all have ended: how long each took, by the database's clock. */
async function lives(c: Cluster, runs: readonly LongRun[]): Promise<Lived[]> {
  const deadline = Date.now() + patienceMs;
  const ids = runs.map((r) => r.id);
  for (;;) {
    const db = await c.owner();
    const { rows } = await db.query<{ left: number }>(
      'select count(*)::int as left from runs where id = any($1) and finished_at is null',
      [ids],
    );
    const left = rows[0]?.left ?? 0;
    if (left === 0) break;
    if (Date.now() > deadline) throw new Error(`after ${patienceMs / 1000} s ${left} of ${runs.length} runs go on`);
    await pause(50);
  }
  const db = await c.owner();
  const { rows } = await db.query<Lived>(
    `with steps as (
       select owner_id as id, started_at, started_at - lag(started_at) over (partition by owner_id order by step) as wait
       from executions where owner_id = any($1)
     )
     select r.id, extract(epoch from r.finished_at - r.started_at)::float8 * 1000 as ms,
       (select coalesce(max(extract(epoch from wait)), 0)::float8 * 1000 from steps s where s.id = r.id) as "longestMs"
     from runs r where r.id = any($1) order by ms`,
    [ids],
  );
  return rows;
}

async function run({ config, count, form, say }: Options): Promise<Outcome> {
  const model = await scriptedModel(effects);
  const price = { input: 1, output: 1 };
  const models = [{ name: 'scripted', api: 'openai', url: model.url, context_window: 64_000, max_output: 500, price }];
  try {
    return await withCluster({ config, form, env: { AGENT_MODELS: JSON.stringify(models) } }, async (c) => {
      // It repeats what was answered 503, by the same key, as callers are to.
      const calls = caller(c.apiUrls);
      const tickets = await Promise.all(
        Array.from({ length: count }, (_, n) =>
          calls.post('/api/tickets', c.token, { title: `one of many, ${n}`, auto_assign: false }),
        ),
      );
      const from = performance.now();
      const spawned = await Promise.all(
        tickets.map((ticket, n) => {
          const body = n % 2 ? { harness: 'model' } : { prompt: promptOf({ effects, slow: 2 }) };
          return calls.post(`/api/tickets/${Number(ticket.body['id'])}/assign-agent`, c.token, body);
        }),
      );
      const db = await c.owner();
      const { rows } = await db.query<{ id: string; agent: number; harness: string }>(
        'select id, number as agent, harness from runs where number = any($1)',
        [spawned.map((s) => Number(s.body['agent_id']))],
      );
      const runs = rows.map((r) => ({ ...r, what: `agent ${r.agent} (${r.harness})` }));
      say(`${runs.length} runs at once`);
      const lived = await lives(c, runs);
      const seconds = (performance.now() - from) / 1000;
      const violations = (await Promise.all(runs.map((r) => judgeRun(c, r, effects)))).flat();
      if (runs.length !== count) violations.push(`${runs.length} of ${count} runs are known`);
      const [middle, last] = [lived[lived.length >> 1], lived.at(-1)];
      if (middle && last && last.ms > mostTimes * middle.ms)
        violations.push(
          `run ${last.id} took ${last.ms.toFixed(0)} ms, the one in the middle ${middle.ms.toFixed(0)} ms`,
        );
      return {
        figures: {
          runs: runs.length,
          steps: count * effects,
          seconds: seconds.toFixed(1),
          runs_per_minute: ((60 * runs.length) / seconds).toFixed(0),
          median_ms: middle?.ms.toFixed(0) ?? '-',
          slowest_ms: last?.ms.toFixed(0) ?? '-',
          longest_wait_ms: Math.max(...lived.map((l) => l.longestMs)).toFixed(0),
        },
        violations,
      };
    });
  } finally {
    await model.close();
  }
}

export const crowd: Proof = {
  title: 'many runs at once, by a model and by a plan: none is lost, none is starved by the others',
  quick: 8,
  run,
};
