import { join } from 'node:path';
import { root, type Config } from '../config';
import { loadPolicies } from '../pipeline/policy';
import { cpuSince, usedCpu } from './cpu';
import { Caller } from './reads/caller';
import { median, percentile, type Row } from './row';
import { withStack } from './stack';

/** Each may make 3,000 calls in a minute. */
const agents = 60;
const crowd = 16;
const reach = { p50: 10, p99: 50, perSecond: 400, policyMs: 1 };
const policyCalls = 20_000;

interface Measured {
  took: number[];
  perSecond: number;
  refused: number;
  cpu: string;
}

/** So many callers, each of whom asks again as soon as it is answered. */
async function load(at: URL, callers: number, seconds: number, request: () => string): Promise<Measured> {
  const took: number[] = [];
  let refused = 0;
  const open = await Promise.all(Array.from({ length: callers }, () => Caller.open(at.hostname, Number(at.port))));
  try {
    const ask = async (caller: Caller, note: boolean): Promise<void> => {
      const start = performance.now();
      const status = await caller.get(request());
      if (!note) return;
      if (status >= 300) refused += 1;
      took.push(performance.now() - start);
    };
    const warm = Array.from({ length: 50 });
    await Promise.all(open.map(async (caller) => { for (const _ of warm) await ask(caller, false); })); // prettier-ignore
    const [from, before] = [performance.now(), usedCpu()];
    const until = from + seconds * 1000;
    await Promise.all(open.map(async (caller) => { while (performance.now() < until) await ask(caller, true); })); // prettier-ignore
    const used = cpuSince(before);
    const each = (part: string): string => ((used.get(part) ?? 0) / took.length).toFixed(2);
    const cpu = `CPU ms each: api ${each('api')}, postgres ${each('postgres')}`;
    return { took, perSecond: took.length / ((performance.now() - from) / 1000), refused, cpu };
  } finally {
    for (const caller of open) caller.close();
  }
}

const said = ({ took, perSecond, refused, cpu }: Measured): string =>
  `${perSecond.toFixed(0)}/s, p50 ${median(took).toFixed(1)}, p99 ${percentile(took, 0.99).toFixed(1)} ms; ${cpu}` +
  (refused ? `; ${refused} were refused` : '');
const ratio = (m: Measured, floor: Measured): string =>
  `a row with its entry, no pipeline and no receipt: ${said(floor)}; that is ${(floor.perSecond / m.perSecond).toFixed(2)} times as many`;

/** The built-in policy alone, on a call as the stage gives it. */
async function policyAlone(): Promise<number[]> {
  const policies = await loadPolicies(join(root, 'policy/compiled'), (error) => {
    throw error;
  });
  const took: number[] = [];
  for (let i = 0; i < policyCalls; i += 1) {
    const start = performance.now();
    const { decision } = policies.evaluate({
      tenant: 't', principal: { id: 'p', kind: 'agent', scopes: ['tools:call'] },
      agent: { id: 'a', grants: [{ tool: 'web_search', effect: 'ALLOW' }] }, tool: { name: 'web_search', effect: 'read', scope: 'tools:call' },
      args: { query: `weather in Berlin ${i}` }, target: 'web_search', run: { id: 'r', ticket: null }, approval: null, risk: 0,
    }); // prettier-ignore
    took.push(performance.now() - start);
    if (decision !== 'allow') throw new Error(`the policy says ${decision}`);
  }
  return took.slice(policyCalls / 10); // code is warm
}

/** Calls that pass, over HTTP: policy, ledger, log entry and receipt with each; beside one plain write over the same HTTP. */
export const execute = (config: Config, seconds: number): Promise<Row[]> =>
  withStack(config, async ({ local, owner }) => {
    const { rows } = await owner.query<{ id: string }>(
      `with made as (
         insert into agents (id, tenant_id, name, harness, runtime)
         select gen_random_uuid(), $1, 'bench-' || i, 'external', 'external' from generate_series(1, $2::int) i returning id
       ), granted as (
         insert into agent_grants (id, tenant_id, agent_id, tool, effect) select gen_random_uuid(), $1, id, 'web_search', 'ALLOW' from made
       ) select id from made`,
      [local.tenant_id, agents],
    );
    const at = new URL(local.url);
    const post = (path: string, body: object, headers = ''): string => {
      const text = JSON.stringify(body);
      return (
        `POST ${path} HTTP/1.1\r\nHost: ${at.hostname}\r\nAuthorization: Bearer ${local.token}\r\n${headers}` +
        `Content-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n${text}`
      );
    };
    let n = 0;
    const call = (): string => {
      n += 1;
      const agent = rows[n % agents]?.id ?? '';
      const body = { tool: 'web_search', arguments: { query: `weather in Berlin ${n}` } };
      return post('/execute', body, `X-Agent-ID: ${agent}\r\n`);
    };
    const plain = (): string =>
      post('/api/v1/agent-ops/signals', {
        for_agent: 'bench',
        created_by: 'bench',
        signal: 'weather',
        detail: { n: (n += 1) },
      });

    const [oneFloor, one] = [await load(at, 1, seconds, plain), await load(at, 1, seconds, call)];
    const [manyFloor, many] = [await load(at, crowd, seconds, plain), await load(at, crowd, seconds, call)];
    const receipts = await owner.query<{ bare: number }>(
      `select count(*)::int as bare from executions e where not exists (select from receipts r where r.entry_id = e.id)`,
    );
    const bare = receipts.rows[0]?.bare ?? 0;
    const policy = await policyAlone();
    const [p50, p99] = [median(one.took), percentile(one.took, 0.99)];
    const policyP99 = percentile(policy, 0.99);
    return [
      {
        what: 'a tool call that passes, over HTTP, one caller',
        measured: `${said(one)}${bare ? `; ${bare} calls have no receipt` : ''}`,
        beside: ratio(one, oneFloor),
        reach: `p50 ≤ ${reach.p50}, p99 ≤ ${reach.p99} ms`,
        reached: !one.refused && !bare && p50 <= reach.p50 && p99 <= reach.p99,
      },
      {
        what: `the same, ${crowd} callers of ${agents} agents`,
        measured: said(many),
        beside: ratio(many, manyFloor),
        reach: `≥ ${reach.perSecond}/s`,
        reached: !many.refused && many.perSecond >= reach.perSecond,
      },
      {
        what: 'the built-in policy alone',
        measured: `p50 ${median(policy).toFixed(3)}, p99 ${policyP99.toFixed(3)} ms`,
        beside: `${((100 * median(policy)) / p50).toFixed(1)} % of a call`,
        reach: `p99 ≤ ${reach.policyMs} ms`,
        reached: policyP99 <= reach.policyMs,
      },
    ];
  });
