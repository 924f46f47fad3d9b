import { aggregates } from '../../api/aggregates/table';
import { random } from '../../proofs/random';
import { startServer, type Server } from '../harness';

// Every aggregate is what looking at all entries gives, whatever of the log the cells have taken in.

interface Logged {
  seq: number;
  at: Date;
  agent: string | null;
  tool: string | null;
  decision: string;
  reason: string | null;
  risk: number | null;
  findings: string[];
}

const size = 1_500;
const decisions = [
  'allow',
  'allow',
  'allow',
  'monitor',
  'escalate',
  'deny',
  'deny',
  'kill',
  'throttle',
  'block',
  'error',
];
const findings = ['policy_deny', 'sql_injection_detected', 'anomalous_behavior_detected', 'ssrf_local_file'];
const tools = ['logs.search', 'logs.errors', 'größe.prüfen', null];

let server: Server;
let agents: string[];
let calls: Logged[];
beforeAll(async () => {
  server = await startServer({}, { worker: false });
  const { rows } = await server.owner.query<{ id: string }>(
    `insert into agents (id, tenant_id, name, harness) select gen_random_uuid(), $1, 'agent ' || i, 'embedded' from generate_series(1, 4) i returning id`,
    [server.tenantId],
  );
  agents = rows.map((r) => r.id);
  calls = await write();
});
afterAll(() => server.close());

/** Calls over 45 days, more of them lately, among other entries; as the log would have them but for the hashes. */
async function write(): Promise<Logged[]> {
  const chance = random(11);
  const below = (limit: number): number => chance.below(limit);
  const made: (Logged & { kind: string; body: string })[] = [];
  const start = Date.now() - 45 * 86_400_000;
  for (let i = 1; i <= size; i += 1) {
    const decision = chance.pick(decisions);
    const call = below(5) > 0;
    const risk = below(12) === 0 ? null : below(1001) / 1000;
    const found = [...new Set(Array.from({ length: below(4) }, () => chance.pick(findings)))];
    const say: Record<string, unknown> = {
      risk_score: risk ?? 'none',
      findings: below(20) ? [...found, ...found] : 'none',
    };
    const odd = below(30) === 0;
    if (odd) say['why'] = 'a\u0000b';
    made.push({
      seq: i,
      at: new Date(start + (Date.now() - start) * (1 - (1 - i / size) ** 2) - 1_000),
      agent: below(15) ? chance.pick(agents) : null,
      tool: chance.pick(tools),
      decision,
      reason:
        ['deny', 'block', 'kill'].includes(decision) && below(6) ? chance.pick(['missing_scope', 'no_grant']) : null,
      risk: odd ? null : risk,
      findings: odd || say['findings'] === 'none' ? [] : found,
      kind: call ? `execution.${decision}` : 'note.added',
      body: JSON.stringify(say),
    });
  }
  await server.owner.query(
    `insert into log (tenant_id, seq, id, at, kind, actor, subject_kind, subject_id, agent_id, tool, decision, reason, body, digest,
       prev_hash, hash, chain_shard, event_prev, event_hash)
     select $1, (select coalesce(max(seq), 0) from log where tenant_id = $1) + seq, gen_random_uuid(), at, kind,
       '{"id":null,"kind":"system","name":"t"}', 'execution', seq::text, agent, tool, decision, reason, body::json, '', '', '', 0, '', ''
     from jsonb_to_recordset($2::jsonb) as r (seq bigint, at timestamptz, kind text, agent uuid, tool text, decision text, reason text, body text)`,
    [server.tenantId, JSON.stringify(made)],
  );
  return made.filter((m) => m.kind !== 'note.added');
}

const fold = async (most: number): Promise<number> => {
  await server.owner.query(`begin; set local app.tenant = '${server.tenantId}'`);
  const { rows } = await server.owner.query<{ n: string }>('select tally_calls($1) as n', [most]);
  await server.owner.query('commit');
  return Number(rows[0]?.n);
};
const get = async (path: string) => {
  const { status, body, text } = await server.call('GET', path);
  if (status !== 200) throw new Error(`${path}: ${status} ${text}`);
  return body.data;
};
const pathOf = (path: string, query = ''): string => path.replace(':id', agents[1] ?? '') + query;
const questions = [
  '/audit/logs/summary',
  '/audit/logs/summary?agent_id=AGENT&days=3',
  ...Object.values(aggregates).flatMap(({ path, of }) => [
    path,
    ...(path.includes('drift') ? [`${path}?baseline_days=30&comparison_hours=48`] : []),
    ...(of === 'any' && !path.includes('heatmap') ? [`${path}?agent_id=AGENT&days=7`] : []),
  ]),
];
/** But for the moment at which it was asked for. */
const asked = async () =>
  Object.fromEntries(
    await Promise.all(
      questions.map(async (path) => {
        const data = await get(pathOf(path).replace('AGENT', agents[2] ?? ''));
        return [path, data.computed_at ? { ...data, computed_at: '' } : data] as const;
      }),
    ),
  );

const dayOf = (at: Date): string => at.toISOString().slice(0, 10);
const denied = (c: Logged): boolean => ['deny', 'block', 'kill'].includes(c.decision);
const mean = (of: Logged[]): number => {
  const risks = of.flatMap((c) => (c.risk === null ? [] : [Math.round(c.risk * 1e6)]));
  return risks.length ? Math.round(risks.reduce((a, b) => a + b, 0) / risks.length / 100) / 10_000 : 0;
};
const lately = (days: number): Logged[] => {
  const from = Date.parse(dayOf(new Date())) - (days - 1) * 86_400_000;
  return calls.filter((c) => c.at.getTime() >= from);
};
const tallied = <T>(of: T[]): Map<T, number> => {
  const n = new Map<T, number>();
  for (const v of of) n.set(v, (n.get(v) ?? 0) + 1);
  return n;
};

test('the same answers with nothing taken in, a part, and all there is: those of a plain recount', async () => {
  const plain = await asked();
  expect(await fold(128)).toBe(128);
  expect(await fold(700)).toBe(640);
  const part = await asked();
  expect(part).toEqual(plain);
  while ((await fold(8_192)) > 0);
  const all = await asked();
  expect(all).toEqual(plain);

  const month = lately(30);
  const days = Array.from({ length: 30 }, (_, i) => dayOf(new Date(Date.now() - (29 - i) * 86_400_000)));
  const byDay = days.map((day) => month.filter((c) => dayOf(c.at) === day));
  expect(all['/audit/trends']).toEqual(
    byDay.map((of, i) => ({
      date: days[i],
      count: of.length,
      threats: of.filter(denied).length,
      avg_risk: expect.closeTo(mean(of), 3),
    })),
  );
  const decided = (of: Logged[], ...which: string[]) => of.filter((c) => which.includes(c.decision)).length;
  expect(all['/audit/decision-trend'].series).toEqual(
    byDay.map((of, i) => ({
      date: days[i], allow: decided(of, 'allow'), deny: decided(of, 'deny', 'block'), escalate: decided(of, 'escalate'),
      monitor: decided(of, 'monitor'), kill: decided(of, 'kill'),
    })),
  ); // prettier-ignore
  expect(all['/audit/daily-active-agents'].series.map((d: { active_agents: number }) => d.active_agents)).toEqual(
    byDay.map((of) => new Set(of.flatMap((c) => c.agent ?? [])).size),
  );
  const words = tallied(month.flatMap((c) => c.findings));
  expect(
    new Map(all['/audit/top-findings'].findings.map((f: { finding: string; count: number }) => [f.finding, f.count])),
  ).toEqual(words);
  expect(all['/audit/top-findings'].total_events).toBe(month.length);
  expect(
    new Map(all['/audit/deny-reasons'].reasons.map((r: { reason: string; count: number }) => [r.reason, r.count])),
  ).toEqual(tallied(month.filter(denied).map((c) => c.reason ?? 'unspecified')));
  expect(
    new Map(
      all['/audit/tool-breakdown'].tools.map((t: { tool: string; total_calls: number }) => [t.tool, t.total_calls]),
    ),
  ).toEqual(tallied(month.map((c) => c.tool)));
  const scored = month.filter((c) => c.risk !== null);
  expect(all['/audit/risk-histogram'].buckets.map((b: { count: number }) => b.count)).toEqual(
    Array.from(
      { length: 10 },
      (_, b) => scored.filter((c) => Math.min(9, Math.floor((c.risk ?? 0) * 10 + 1e-9)) === b).length,
    ),
  );
  expect(all['/audit/risk-percentile-trend'].series.map((d: { p95: number }) => d.p95)).toEqual(
    byDay.map((of) => {
      const risks = of
        .flatMap((c) => (c.risk === null ? [] : [Math.floor(c.risk * 100 + 1e-9) / 100]))
        .sort((a, b) => a - b);
      return risks[Math.ceil(0.95 * risks.length) - 1] ?? 0;
    }),
  );
  const high = month
    .filter((c) => (c.risk ?? 0) >= 0.7)
    .slice(-20)
    .reverse();
  expect(
    all['/audit/high-risk-events'].events.map((e: { timestamp: string; risk_score: number }) => [
      Date.parse(e.timestamp),
      e.risk_score,
    ]),
  ).toEqual(high.map((c) => [c.at.getTime(), c.risk]));
  const hours = tallied(lately(7).map((c) => c.at.getUTCHours()));
  expect(all['/audit/hourly-activity'].buckets.map((b: { count: number }) => b.count)).toEqual(
    Array.from({ length: 24 }, (_, h) => hours.get(h) ?? 0),
  );
  const week = tallied(lately(28).map((c) => `${(c.at.getUTCDay() + 6) % 7} ${c.at.getUTCHours()}`));
  for (const cell of all['/audit/weekly-heatmap'].cells)
    expect([cell, cell.count]).toEqual([cell, week.get(`${cell.day} ${cell.hour}`) ?? 0]);
  expect(all['/audit/logs/summary']).toMatchObject({
    total_calls: month.length, total_denials: month.filter(denied).length, most_used_tool: expect.any(String),
    active_agents_count: 4, risk_distribution: {
      critical: scored.filter((c) => (c.risk ?? 0) >= 0.9).length,
      high: scored.filter((c) => (c.risk ?? 0) >= 0.7 && (c.risk ?? 0) < 0.9).length,
      medium: scored.filter((c) => (c.risk ?? 0) >= 0.4 && (c.risk ?? 0) < 0.7).length,
      low: scored.filter((c) => (c.risk ?? 0) < 0.4).length,
    },
  }); // prettier-ignore
  const soc = calls
    .filter((c) => denied(c) || c.decision === 'escalate' || (c.risk ?? 0) >= 0.7)
    .slice(-20)
    .reverse();
  expect(all['/audit/logs/soc-timeline'].map((e: { timestamp: string }) => Date.parse(e.timestamp))).toEqual(
    soc.map((c) => c.at.getTime()),
  );
});

test.each([
  ['/audit/trends', 'days=0'],
  ['/audit/trends', 'days=91'],
  ['/audit/hourly-activity', 'days=31'],
  ['/audit/tool-breakdown', 'agent_id=me'],
  ['/audit/high-risk-events', 'threshold=0.2'],
  ['/audit/high-risk-events', 'threshold=1.01'],
  ['/audit/high-risk-events', 'limit=101'],
  ['/audit/drift/:id', 'comparison_hours=0'],
])('%s?%s is 422 and names the field', async (path, query) => {
  const { status, body } = await server.call('GET', pathOf(path, `?${query}`));
  expect([status, body.meta.details[0].loc]).toEqual([422, ['query', query.split('=')[0]]]);
});

test('another tenant has nothing of it; nobody is 404; /v1 is the same', async () => {
  const other = await server.tenant();
  for (const { path, of } of Object.values(aggregates)) {
    const { status, body } = await server.as(other.token)('GET', pathOf(path));
    expect([path, status]).toEqual([path, of === 'agent' ? 404 : 200]);
    if (of !== 'agent') expect(JSON.stringify(body)).not.toMatch(/"(total\w*|count)":[1-9]/);
  }
  expect(await get('/v1/audit/trends')).toEqual(await get('/audit/trends'));
});

test('drift says what it was compared with, and when', async () => {
  const asked = new Date().toISOString();
  const drift = await get(pathOf('/audit/drift/:id'));
  expect([drift.days, drift.computed_at >= asked]).toEqual([7, true]);
});
