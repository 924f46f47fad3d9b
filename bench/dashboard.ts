import type { Config } from '../config';
import { cpuSince, usedCpu } from './cpu';
import { seedFleet } from './dashboard/seed';
import { Caller } from './reads/caller';
import { median, percentile, type Row } from './row';
import { withStack } from './stack';

const agents = Number(process.env['BENCH_AGENTS'] ?? 10_000);
const runs = Number(process.env['BENCH_ROWS'] ?? 1_000_000);
const reachMs = 50;

const prefix = '/functions/v1/api/v1/agent-ops';
/** What a screen of the fleet asks for. */
const questions = [
  { what: 'dashboard', path: '/dashboard', judged: true },
  { what: 'runs, first page', path: '/runs', judged: false },
  { what: 'runs that failed, of one agent', path: '/runs?agent_name=fleet-77&status=failed', judged: false },
  { what: 'runs, a page in the middle', path: null, judged: false },
  { what: 'report runs, first page', path: '/report-runs', judged: false },
] as const;

/** The dashboard over HTTP, as the API is started, by one caller who asks again as soon as it is answered; and lists beside it. */
export const dashboard = (config: Config, seconds: number): Promise<Row[]> =>
  withStack(config, async ({ local }) => {
    const from = performance.now();
    await seedFleet(local.database_url, local.tenant_id, agents, runs);
    process.stderr.write(`${agents} agents and ${runs} runs in ${((performance.now() - from) / 1000).toFixed(0)} s\n`);
    const target = new URL(local.url);
    const caller = await Caller.open(target.hostname, Number(target.port));
    const ask = (path: string): Promise<number> =>
      caller.get(`GET ${path} HTTP/1.1\r\nHost: ${target.hostname}\r\nAuthorization: Bearer ${local.token}\r\n\r\n`);
    // Two weeks ago, as a cursor has it: no row has this id.
    const middle = [new Date(Date.now() - 15 * 86_400_000).toISOString().replace('Z', '000Z'), local.tenant_id];
    const cursor = Buffer.from(JSON.stringify(middle)).toString('base64url');
    const rows: Row[] = [];
    try {
      for (const { what, path, judged } of questions) {
        const url = `${prefix}${path ?? `/runs?cursor=${cursor}`}`;
        for (let i = 0; i < 100; i += 1) await ask(url); // statements are planned, code is warm
        const took: number[] = [];
        let refused = 0;
        const before = usedCpu();
        for (const until = performance.now() + seconds * 1000; performance.now() < until;) {
          const start = performance.now();
          if ((await ask(url)) !== 200) refused += 1;
          took.push(performance.now() - start);
        }
        const used = cpuSince(before);
        const each = (part: string): string => ((used.get(part) ?? 0) / took.length).toFixed(2);
        const p99 = percentile(took, 0.99);
        rows.push({
          what: `${what}, ${agents} agents and ${runs} runs`,
          measured:
            `p50 ${median(took).toFixed(1)}, p99 ${p99.toFixed(1)} ms (${took.length} answers); CPU ms each: ` +
            `api ${each('api')}, postgres ${each('postgres')}${refused ? `; ${refused} answers were not 200` : ''}`,
          beside: '',
          reach: judged ? `p99 < ${reachMs} ms` : '',
          reached: judged ? !refused && p99 < reachMs : null,
        });
      }
    } finally {
      caller.close();
    }
    return rows;
  });
