import { Client, type Pool } from 'pg';
import { appPool } from '../../db/pool';
import { forgetWindows, inLots, sharedPoints, type Points } from '../../db/rate-limits';
import { startServer, until } from '../harness';
import { freshDatabase } from '../stack';

let pool: Pool;
let drop: () => Promise<void>;
let url: string;
beforeAll(async () => {
  const database = await freshDatabase();
  ({ url, drop } = database);
  pool = appPool(url, 5, () => undefined);
});
afterEach(() => jest.restoreAllMocks());
afterAll(async () => {
  await pool.end();
  await drop();
});

/** How many of `n` calls at the same time are let through. */
const passed = async (by: Points, key: string, n: number): Promise<number> =>
  (await Promise.all(Array.from({ length: n }, () => by.consume(key)))).filter((r) => r.consumed <= by.points).length;
/** Counts how often Postgres is asked. */
const counted = (shared: Points): Points & { asked: number } => ({
  points: shared.points,
  asked: 0,
  consume(key, n) {
    this.asked += 1;
    return shared.consume(key, n);
  },
});

test('a lot is asked for once, also by calls at the same time', async () => {
  const shared = counted(sharedPoints(pool, 'lot', 100));
  const lots = inLots(shared, 10);
  expect(await passed(lots, 'a', 25)).toBe(25);
  expect(shared.asked).toBe(3);
  expect(await passed(lots, 'a', 5)).toBe(5);
  expect(shared.asked).toBe(3);
});

test('processes that share a limit let no more through than it allows, and less by no more than a lot each', async () => {
  const processes = Array.from({ length: 3 }, () => inLots(sharedPoints(pool, 'processes', 100), 10));
  const each = await Promise.all(processes.map((p) => passed(p, 'a', 80)));
  const total = each.reduce((sum, n) => sum + n, 0);
  expect(total).toBeLessThanOrEqual(100);
  expect(total).toBeGreaterThanOrEqual(70);
  expect(await passed(inLots(sharedPoints(pool, 'processes', 100), 10), 'b', 200)).toBe(100);
});

test('a window ends by the clock of the database, and one that a clock set back has left far away is over', async () => {
  const short = inLots(sharedPoints(pool, 'short', 3, 300), 2);
  expect(await passed(short, 'a', 5)).toBe(3);
  const owner = new Client({ connectionString: url });
  await owner.connect();
  const over = `select from rate_limits where key = 'short:a' and expire <= extract(epoch from clock_timestamp()) * 1000`;
  await until(async () => (await owner.query(over)).rowCount === 1, 'the window to end');
  expect(await passed(short, 'a', 5)).toBe(3);
  await owner.query(`update rate_limits set expire = expire + 86400000 where key = 'short:a'`);
  await owner.end();
  expect(await passed(sharedPoints(pool, 'short', 3, 300), 'a', 5)).toBe(3);
});

test('a lot ends with its window, also where the answer was long on its way', async () => {
  let clock = 0;
  jest.spyOn(performance, 'now').mockImplementation(() => clock);
  let asked = 0;
  const slow: Points = {
    points: 10,
    consume() {
      asked += 1;
      clock += asked === 1 ? 900 : 0;
      return Promise.resolve({ consumed: 5, leftMs: 1_000 });
    },
  };
  const lots = inLots(slow, 5);
  await lots.consume('a');
  expect([asked, (await lots.consume('a')).leftMs]).toEqual([1, 100]);
  clock += 101;
  await lots.consume('a');
  expect(asked).toBe(2);
});

test('windows that are over go, and no other', async () => {
  const [over, open] = [sharedPoints(pool, 'over', 3, 1), sharedPoints(pool, 'open', 3)];
  await over.consume('a');
  await open.consume('a', 2);
  const rows = async () => (await pool.query(`select key from rate_limits where key in ('over:a', 'open:a')`)).rows;
  await until(async () => {
    await forgetWindows(pool);
    return (await rows()).length === 1;
  }, 'the window to go');
  expect(await rows()).toEqual([{ key: 'open:a' }]);
  expect((await open.consume('a')).consumed).toBe(3);
});

test('a process whose clock jumps gives nobody another window, and takes none away', async () => {
  const server = await startServer({ RATE_LIMIT_PER_MINUTE: '4' }, { worker: false });
  try {
    const real = Date.now.bind(Date);
    const jump = (ms: number): void => void jest.spyOn(Date, 'now').mockImplementation(() => real() + ms);
    const said: number[] = [];
    for (const ms of [0, 3_600_000, -3_600_000, 120_000, 0, 86_400_000]) {
      jump(ms);
      said.push((await server.call('GET', '/api/tickets')).status);
    }
    expect(said).toEqual([200, 200, 200, 200, 429, 429]);
  } finally {
    jest.restoreAllMocks();
    await server.close();
  }
});
