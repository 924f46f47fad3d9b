import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { startServer, type Server } from '../harness';

// Reporters that know nothing of each other, against a model that sees all of it at once: what is stored afterwards does not
// depend on who came first.

let s: Server;
beforeAll(async () => void (s = await startServer({}, { worker: false })));
afterAll(() => s.close());

const time = (minute: number): string => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();

interface Happened {
  /** Ours: nobody reports it. */
  own: boolean;
  ending: 'completed' | 'failed' | 'skipped' | null;
  began: number;
  ended: number;
  /** Somebody else believes that it ended so. */
  rumour: 'completed' | 'failed' | null;
}
const happened: fc.Arbitrary<Happened> = fc
  .record({
    own: fc.boolean(),
    ending: fc.constantFrom('completed', 'failed', 'failed', 'skipped', null),
    began: fc.nat(30),
    took: fc.integer({ min: 1, max: 20 }),
    rumour: fc.constantFrom(null, null, null, 'completed', 'failed'),
  })
  .map(({ took, ...h }) => ({ ...h, ended: h.began + took, rumour: h.own || h.ending === null ? null : h.rumour }));

type Report = { method: 'POST' | 'PATCH'; run: number; body: Record<string, unknown> };
const reportsOf = (run: number, h: Happened): Report[] => {
  const start = { method: 'POST', run, body: { status: 'started', started_at: time(h.began), task_type: 'digest' } } as const;
  if (h.ending === null) return [start];
  const end = { status: h.ending, completed_at: time(h.ended), output_summary: 'done' };
  const rumour = { method: 'POST', run, body: { status: h.rumour, completed_at: time(h.ended) } } as const;
  return [start, { method: 'POST', run, body: end }, { method: 'PATCH', run, body: end }, ...(h.rumour ? [rumour] : [])];
}; // prettier-ignore

/** Every report at least once, some again, in any order; and how many are on their way at once. */
const story = fc
  .array(happened, { minLength: 1, maxLength: 6 })
  .chain((runs) => {
    const reports = runs.flatMap((h, i): Report[] => (h.own ? [{ method: 'POST', run: i, body: {} }] : reportsOf(i, h)));
    const again = fc.subarray(reports);
    const order = again.chain((more) => fc.shuffledSubarray([...reports, ...more], { minLength: reports.length + more.length }));
    return fc.record({ runs: fc.constant(runs), order, atOnce: fc.integer({ min: 1, max: 6 }), registered: fc.double({ min: 0, max: 1, noNaN: true }), old: fc.nat(55) });
  }); // prettier-ignore

/** What is to be known of an agent whose runs ended so. */
function model(ends: { status: string; at: string }[]) {
  const last = (...statuses: string[]) =>
    ends.filter((e) => statuses.includes(e.status)).map((e) => e.at).sort().at(-1) ?? null;
  const success = last('completed');
  return {
    last_run_at: last('completed', 'failed'),
    last_success_at: success,
    last_failure_at: last('failed'),
    consecutive_failures: ends.filter((e) => e.status === 'failed' && (success === null || e.at > success)).length,
  };
} // prettier-ignore

async function statisticsOf(name: string): Promise<unknown> {
  const { rows } = await s.owner.query(
    `select last_run_at, last_success_at, last_failure_at, consecutive_failures from agents where name = $1 and deleted_at is null`,
    [name],
  );
  return JSON.parse(JSON.stringify(rows[0]));
}
const register = (name: string) =>
  s.owner.query(`insert into agents (id, tenant_id, name, harness) values (gen_random_uuid(), $1, $2, 'external')`, [
    s.tenantId,
    name,
  ]);

/** A run of a workflow here begins, or ends. */
async function own(name: string, ids: Map<number, string>, run: number, h: Happened): Promise<void> {
  const id = ids.get(run) ?? randomUUID();
  ids.set(run, id);
  await s.owner.query(
    `insert into runs (id, tenant_id, agent_id, ticket_id, task_type, harness, scopes, status, spawned_by, created_at, started_at, version)
     select $1::uuid, $2, a.id, t.id, 'ad_hoc ' || $1::text, 'embedded', '{}', 'running', '{}', $4, $4, 1
     from agents a, tickets t where a.name = $3 and t.tenant_id = $2 limit 1 on conflict do nothing`,
    [id, s.tenantId, name, time(h.began)],
  );
  const status = { completed: 'finished', failed: 'failed', skipped: 'stopped' }[h.ending ?? 'skipped'];
  if (h.ending !== null)
    await s.owner.query('update runs set status = $2, finished_at = $3 where id = $1 and finished_at is null', [
      id,
      status,
      time(h.ended),
    ]);
}

test('in any order, repeated, and at once: an end never changes, and statistics are those of the runs', async () => {
  await s.call('POST', '/api/tickets', { title: 'of the runs', auto_assign: false });
  await fc.assert(
    fc.asyncProperty(story, async ({ runs, order, atOnce, registered, old }) => {
      const name = `agent-${randomUUID()}`;
      const at = Math.floor(registered * order.length);
      const ids = new Map<number, string>();
      const heard = new Map<number, Set<string>>();
      const left = [...order.entries()];
      let known: Promise<unknown> | null = null;
      const send = async ([place, { method, run, body }]: [number, Report]): Promise<void> => {
        if (place >= at) await (known ??= register(name));
        const h = runs[run] as Happened;
        if (h.own) {
          await (known ??= register(name)); // who runs here is registered
          return own(name, ids, run, h);
        }
        const eve = `${name}:${run}`;
        const path = '/api/v1/agent-ops/runs';
        const answer =
          method === 'POST'
            ? await s.call('POST', path, { eve_id: eve, agent_name: name, ...body })
            : await s.call('PATCH', `${path}/${encodeURIComponent(eve)}`, body);
        expect(method === 'PATCH' ? [200, 404] : [200, 201]).toContain(answer.status);
        const { status } = answer.body.data ?? {};
        if (status !== undefined && status !== 'started') heard.set(run, (heard.get(run) ?? new Set()).add(status));
      };
      const worker = async (): Promise<void> => {
        for (let next = left.shift(); next; next = left.shift()) await send(next);
      };
      await Promise.all(Array.from({ length: atOnce }, worker));
      await (known ??= register(name));

      const { body } = await s.call('GET', `/api/v1/agent-ops/runs?agent_name=${name}&limit=100`);
      const rows = body.data as { eve_id: string | null; id: string; status: string; started_at: string; completed_at: string; task_type: string; duration_ms: number }[];
      expect(rows).toHaveLength(runs.length);
      for (const [i, h] of runs.entries()) {
        const row = rows.find((r) => (h.own ? r.id === ids.get(i) : r.eve_id === `${name}:${i}`));
        const all = [...(heard.get(i) ?? [])];
        expect(all.length).toBeLessThan(2); // whoever heard an end heard the same
        if (all[0] !== undefined) expect(row?.status).toBe(all[0]);
        expect([h.ending ?? 'started', h.rumour]).toContain(row?.status);
        const truly = row?.status === h.ending ? { started_at: time(h.began), completed_at: time(h.ended), duration_ms: (h.ended - h.began) * 60_000 } : {};
        expect(row).toMatchObject(truly);
        if (!h.own) expect(row?.task_type).toBe('digest');
      }
      const ends = rows.filter((r) => r.completed_at).map((r) => ({ status: r.status, at: r.completed_at }));
      expect(await statisticsOf(name)).toEqual(model(ends));

      // What has grown old goes, in two turns, and what is known of the agent stays; what it does next comes on top of it.
      for (const minute of [old / 2, old])
        await s.owner.query('delete from reported_runs where agent_name = $1 and coalesce(completed_at, listed_at) < $2', [name, time(minute)]);
      expect(await statisticsOf(name)).toEqual(model(ends));
      ends.push({ status: 'failed', at: time(60) });
      await s.call('POST', '/api/v1/agent-ops/runs', { agent_name: name, status: 'failed', completed_at: time(60) });
      expect(await statisticsOf(name)).toEqual(model(ends));
      // So it is for one that is registered only then: of the runs that were reported.
      if (runs.some((h) => h.own)) return;
      await s.owner.query(`update agents set status = 'DISABLED', deleted_at = now() where name = $1`, [name]);
      await register(name);
      expect(await statisticsOf(name)).toEqual(model(ends));
    }),
    { numRuns: Number(process.env['FC_RUNS'] ?? 40) },
  );
}); // prettier-ignore

test('tallies of a day are its runs, and both made afresh are what stood', async () => {
  const tallies = async () =>
    (
      await s.owner.query(
        `select day::text, status, sum(n)::int as n, sum(timed)::int as timed, sum(duration_ms)::bigint as took
         from run_tallies where tenant_id = $1 group by 1, 2 having sum(n) <> 0 order by 1, 2`,
        [s.tenantId],
      )
    ).rows;
  const statistics = async () =>
    (await s.owner.query('select name, last_run_at, last_success_at, last_failure_at, consecutive_failures from agents where deleted_at is null order by 1')).rows;
  const before = [await tallies(), await statistics()];
  expect(before[0]?.length).toBeGreaterThan(2);
  const { rows } = await s.owner.query(
    `select day::text, status, count(*)::int as n, count(took)::int as timed, coalesce(sum(took), 0)::bigint as took from (
       select created_at::date as day, outcome as status, milliseconds(started_at, finished_at) as took from runs
       union all select listed_at::date, status, duration_ms from reported_runs) r group by 1, 2 order by 1, 2`,
  );
  expect(before[0]).toEqual(rows);
  await s.owner.query('select tally_runs_afresh()');
  expect([await tallies(), await statistics()]).toEqual(before);
}); // prettier-ignore
