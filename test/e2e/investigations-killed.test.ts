import { startApi } from '../../api/main';
import { caller, startServer, until, type Server } from '../harness';
import { idOf } from '../payments';
import { answers, stubModel, type Asked } from '../stub-model';
import { kill, workerProcess } from '../worker-process';

// One worker has an investigation at each place where one may be: while the model plans, in a look, in a back-test, while the
// model tells, in the transaction of its end; and one more whose time is over before anybody goes on. There it is killed.

const places = ['plan', 'customer_history', 'terminal_history', 'back_test', 'narrative', 'weigh', 'late'] as const;
type Place = (typeof places)[number];
const base = '/api/v1/ops-agent';
const looks = ['transaction', 'customer_history', 'terminal_history'];
const deadlineMs = 8_000;
const paymentOf = (place: Place): string => idOf(`killed at ${place}`);
/** Who reads a payment that is held waits for the advisory lock of its place; so does an end that is written down. */
const locks = 51_277;
const heldAt: readonly Place[] = ['customer_history', 'terminal_history', 'weigh', 'late'];
const lockOf = (place: Place): number => places.indexOf(place);

let s: Server;
let stub: Awaited<ReturnType<typeof stubModel>>;
let modelIsSilent = true;
const ids = new Map<Place, string>();

const phaseOf = ({ key }: Asked): string => key?.split(':')[1] ?? '';
const about = ({ messages }: Asked, place: Place): boolean => messages[1]?.content.includes(paymentOf(place)) ?? false;

/** An outside view in which a payment may be held: of each place its own customer, terminal and payment before. */
async function outside(): Promise<void> {
  await s.owner.query(`create schema outside;
    create function outside.held(lock int, amount float8) returns float8 language plpgsql volatile as $$
      begin if lock is not null then perform pg_advisory_xact_lock_shared(${locks}, lock); end if; return amount; end $$;
    create table outside.rows (id uuid, at timestamptz, customer text, terminal text, amount float8, lock int);
    create view outside.payments as select id as transaction_id, at as occurred_at, customer as customer_id, terminal as terminal_id,
      outside.held(lock, amount) as amount, null::timestamptz as disputed_at from outside.rows;
    create function outside.ending() returns trigger language plpgsql as $$
      begin perform pg_advisory_xact_lock_shared(${locks}, ${lockOf('weigh')}); return new; end $$;
    create trigger ending before insert on planner_decisions for each row when (new.phase = 'weigh') execute function outside.ending();
    grant usage on schema outside to wheelhouse_app`);
  const day = (ago: number): string => new Date(Date.now() - ago * 86_400_000).toISOString();
  const row = (id: string, at: string, customer: string, terminal: string, amount: number, lock: number | null) =>
    s.owner.query('insert into outside.rows values ($1, $2, $3, $4, $5, $6)', [
      id,
      at,
      customer,
      terminal,
      amount,
      lock,
    ]);
  for (const place of places) {
    const [customer, terminal] = [`customer of ${place}`, `terminal of ${place}`];
    // Only what is unusual has a rule drafted, and that one tried on all payments of the days before.
    await row(paymentOf(place), day(1), customer, terminal, place === 'back_test' ? 900 : 20, null);
    const before = (c: string, t: string) => row(idOf(`before ${place}`), day(2), c, t, 20, lockOf(place));
    if (place === 'terminal_history') await before('another', terminal);
    else if (heldAt.includes(place) && place !== 'weigh') await before(customer, 'another');
  }
}

beforeAll(async () => {
  stub = await stubModel((asked) => {
    if (modelIsSilent && about(asked, phaseOf(asked) === 'plan' ? 'plan' : 'narrative')) return answers.silence();
    return answers.says(
      phaseOf(asked) === 'plan' ? { tools: looks, reason: 'as ever' } : { summary: 'Told', statements: [] },
    );
  });
  s = await startServer({}, { worker: false });
  await outside();
}, 60_000);
afterAll(async () => {
  await s.close();
  await stub.close();
});

const settings = () => ({
  OPS_AGENT_MODEL_URL: stub.url, OPS_AGENT_MODEL_NAME: 'small', OPS_AGENT_MODEL_TIMEOUT_MS: '60000',
  TRANSACTIONS_VIEW_URL: s.config.databaseUrl ?? '', TRANSACTIONS_VIEW: 'outside.payments', TRANSACTIONS_VIEW_TENANT: s.tenantId,
  TRANSACTIONS_VIEW_TIMEOUT_MS: '30000',
}); // prettier-ignore
const detail = async (place: Place) => (await s.call('GET', `${base}/investigations/${ids.get(place)}`)).body;
const tools = (it: any): string[] => it.tool_executions.map((e: any) => e.tool);
const steps = (it: any): string[] => it.tool_executions.map((e: any) => e.execution_id);
/** A back-test comes by all payments, and waits for the first that is held. */
const waiting = async (): Promise<Place[]> => {
  const { rows } = await s.owner.query<{ lock: number; testing: boolean }>(
    `select distinct l.objid::int as lock, a.query like '%flagged_disputed%' as testing from pg_locks l join pg_stat_activity a using (pid)
     where l.locktype = 'advisory' and l.classid = ${locks} and not l.granted`,
  );
  return rows.flatMap(({ lock, testing }) => (testing ? 'back_test' : (places[lock] ?? [])));
};
const isAt: Partial<Record<Place, () => boolean>> = {
  plan: () => stub.asked.some((a) => phaseOf(a) === 'plan' && about(a, 'plan')),
  narrative: () => stub.asked.some((a) => phaseOf(a) === 'narrative' && about(a, 'narrative')),
};
const at = (...there: Place[]) =>
  until(
    async () => {
      const held = await waiting();
      return there.every((place) => isAt[place]?.() ?? held.includes(place));
    },
    `investigations at ${there.join(', ')}`,
  );

test('a worker is killed with an investigation at each place: no finished step, answer or end comes twice', async () => {
  for (const place of heldAt) await s.owner.query('select pg_advisory_lock($1, $2)', [locks, lockOf(place)]);
  const view = { url: s.config.databaseUrl ?? '', view: 'outside.payments', tenantId: s.tenantId, timeoutMs: 5_000 };
  const api = await startApi({ ...s.config, transactionView: view });
  const hasty = await startApi({ ...s.config, transactionView: view, investigationDeadlineMs: deadlineMs });
  const run = async (place: Place): Promise<void> => {
    const { url } = place === 'late' ? hasty : api;
    const { status, body } = await caller(url, s.token)('POST', `${base}/investigations/run`, {
      transaction_id: paymentOf(place),
    });
    expect([place, status]).toEqual([place, 202]);
    ids.set(place, body.investigation_id);
  };
  const first = await workerProcess(s, settings());
  await Promise.all((['narrative', 'weigh'] as const).map(run));
  await at('narrative', 'weigh'); // these have looked at everything, and need the view no more
  await Promise.all((['plan', 'customer_history', 'terminal_history', 'back_test', 'late'] as const).map(run));
  await at('plan', 'terminal_history', 'customer_history', 'back_test', 'late');
  const before = new Map(await Promise.all(places.map(async (p) => [p, await detail(p)] as const)));
  await kill(first);
  await Promise.all([api.close(), hasty.close()]);
  expect([...before.values()].map((it) => it.step_count)).toEqual([0, 1, 2, 3, 3, 3, 1]);
  await s.owner.query('select pg_advisory_unlock_all()');
  modelIsSilent = false;
  const over = Date.parse(before.get('late').started_at) + deadlineMs;
  await until(() => Promise.resolve(Date.now() > over), 'the time of one of them to be over');

  const second = await workerProcess(s, settings());
  const ended = async (place: Place, status: string) =>
    until(async () => {
      const it = await detail(place);
      return it.completed_at !== null && it.status === status ? it : null;
    }, `${place} to be ${status}`);
  const late = await ended('late', 'TIMED_OUT');
  expect(tools(late)).toEqual(['transaction']);
  expect((await s.call('POST', `${base}/investigations/${ids.get('late')}/resume`)).status).toBe(202);
  for (const place of places) {
    const it = await ended(place, 'COMPLETED');
    expect(steps(it).slice(0, before.get(place).step_count)).toEqual(steps(before.get(place)));
    expect(tools(it)).toEqual(place === 'back_test' ? [...looks, 'back_test'] : looks);
    expect(it.planner_decisions.map((d: any) => d.decided_by).sort()).toEqual(['model', 'model', 'rules']);
    expect(it.attempt).toBe(place === 'late' ? 2 : 1);
    const { rows } = await s.owner.query<{ kind: string; n: number }>(
      'select kind, count(*)::int as n from log where subject_id = $1 and version is not null group by kind',
      [ids.get(place)],
    );
    expect(rows.filter((r) => r.n > 1)).toEqual([]);
    // Whoever was not heard is asked again, by the same key; nobody else is.
    for (const phase of ['plan', 'narrative']) {
      const times = stub.asked.filter((a) => a.key === `${ids.get(place)}:${phase}`).length;
      expect([place, phase, times]).toEqual([place, phase, phase === place ? 2 : 1]);
    }
  }
  expect((await s.call('GET', '/audit/logs/verify')).body.data.valid).toBe(true);
  await kill(second);
}, 120_000);
