import pino from 'pino';
import { system } from '../../domain/principal';
import { oneByOne, readLog, readWindow, type Reader } from '../../workers/reader';
import { keepTallies } from '../../workers/tallies';
import { keepRoots } from '../../workers/transparency';
import { openHouse, type House } from '../house';
import { until } from '../until';

let house: House;
beforeAll(async () => void (house = await openHouse()));
afterEach(() => jest.restoreAllMocks());
afterAll(() => house.close());

const logger = pino({ level: 'silent' });
const signal = new AbortController().signal;
const often = { pollMs: 10, longestWaitMs: 100, trouble: 'nothing is passed on' };
const write = (tenantId: string, kind: string, n: number) =>
  house.store.write(tenantId, (tx) => {
    for (let i = 0; i < n; i += 1) tx.log({ kind, actor: system, subject: { kind: 'ticket', id: `${i}` } });
    return Promise.resolve();
  });
/** Passes on what the log says of that kind. */
const reader = (kind: string, pass: Parameters<typeof oneByOne>[1], more: Partial<Reader> = {}): Reader => ({
  name: kind,
  kinds: [kind],
  often,
  take: oneByOne(signal, pass),
  ...more,
});

test('a window that takes long ends before the server would end its transaction, and what is done is behind the cursor', async () => {
  await write(house.tenantId, 'slow', 5);
  let now = 0;
  jest.spyOn(performance, 'now').mockImplementation(() => now);
  const passed: string[] = [];
  const slow = reader('slow', (_tenantId, { subjectId }) => {
    passed.push(subjectId);
    now += 15_000;
    return Promise.resolve();
  });
  const window = () => readWindow(slow, { store: house.store, signal }, house.tenantId);
  expect([await window(), passed]).toEqual([true, ['0', '1']]);
  expect([await window(), passed]).toEqual([true, ['0', '1', '2', '3']]);
  expect([await window(), passed]).toEqual([false, ['0', '1', '2', '3', '4']]);
});

test('where the clock of the database was set back, what is written next is read at once', async () => {
  const { tenantId } = await house.tenant('ahead');
  await write(tenantId, 'ahead', 1);
  const { owner } = house;
  await owner.query(`set session_replication_role = replica`); // past the trigger that refuses it
  await owner.query(`update log set at = at + interval '1 hour' where kind = 'ahead'`);
  await owner.query(`set session_replication_role = origin`);
  await write(tenantId, 'ahead', 1);
  const { rows } = await owner.query(`select bool_and(at > clock_timestamp()) as future from log where kind = 'ahead'`);
  expect(rows).toEqual([{ future: true }]);
  for (const graceSeconds of [0, 5]) {
    let passed = 0;
    const one = reader('ahead', () => Promise.resolve(void (passed += 1)), {
      name: `ahead ${graceSeconds}`,
      graceSeconds,
    });
    expect(await readWindow(one, { store: house.store, signal }, tenantId)).toBe(false);
    expect(passed).toBe(2);
  }
});

test('what is younger than its grace is left for later', async () => {
  const { tenantId } = await house.tenant('young');
  await write(tenantId, 'young', 1);
  let passed = 0;
  const patient = reader('young', () => Promise.resolve(void (passed += 1)), { graceSeconds: 3_600 });
  expect(await readWindow(patient, { store: house.store, signal }, tenantId)).toBe(false);
  expect(passed).toBe(0);
  expect(await readWindow({ ...patient, graceSeconds: 0 }, { store: house.store, signal }, tenantId)).toBe(false);
  expect(passed).toBe(1);
});

test('what is stuck of one tenant is tried again and holds up no other', async () => {
  const { tenantId: another } = await house.tenant('another');
  const [stuck = '', free = ''] = [house.tenantId, another].sort(); // in the order in which they are looked at
  await write(stuck, 'stuck', 2);
  await write(free, 'stuck', 2);
  const ending = new AbortController();
  const warned = jest.spyOn(logger, 'warn');
  let [tried, passed, mended] = [0, 0, false];
  const one = reader('stuck', (tenantId) => {
    if (tenantId === stuck) tried += 1;
    if (tenantId === stuck && !mended) return Promise.reject(new Error('no'));
    passed += 1;
    return Promise.resolve();
  });
  const reading = readLog(one, { store: house.store, logger, signal: ending.signal });
  try {
    await until('the other is passed on', () => passed === 2);
    await until('the stuck one is tried again', () => tried >= 3);
    expect(warned).toHaveBeenCalledWith(expect.objectContaining({ tenantId: stuck }), often.trouble);
    mended = true;
    await until('the stuck one is passed on', () => passed === 4);
  } finally {
    ending.abort();
    await reading;
  }
});

test('who is far behind is served a window at a time: who comes later waits for one of them', async () => {
  const [far, later] = [(await house.tenant('far')).tenantId, (await house.tenant('later')).tenantId];
  await write(far, 'far', 8);
  const order: string[] = [];
  const ending = new AbortController();
  const one = reader('far', () => Promise.resolve(), {
    take: async ({ tenantId }, [entry]) => {
      if (tenantId === far && order.length === 0) await write(later, 'far', 1);
      order.push(tenantId);
      return entry?.seq ?? null;
    },
  });
  const reading = readLog(one, { store: house.store, logger, signal: ending.signal });
  try {
    await until('all is passed on', () => order.length === 9);
    expect(order.indexOf(later)).toBeLessThanOrEqual(2);
  } finally {
    ending.abort();
    await reading;
  }
});

test('the tallies and trees of one tenant that are in trouble keep no other from theirs', async () => {
  const tenants = [(await house.tenant('broken')).tenantId, (await house.tenant('whole')).tenantId];
  const [broken = '', whole = ''] = tenants.sort(); // in the order in which they are looked at
  for (const tenantId of tenants) await write(tenantId, 'tallied', 128);
  const store = {
    ...house.store,
    write: ((tenantId, work) =>
      tenantId === broken
        ? Promise.reject(new Error('broken'))
        : house.store.write(tenantId, work)) as typeof house.store.write,
  };
  const stopping = new AbortController();
  const keeping = [
    keepTallies(store, logger, stopping.signal),
    keepRoots({ ...house, store, origin: 'here' }, logger, stopping.signal),
  ];
  try {
    await until('all three have read the log', async () => {
      const { rows } = await house.owner.query(
        `select 1 from cursors where tenant_id = $1 and reader in ('tallies', 'calls', 'transparency') and seq >= 128`,
        [whole],
      );
      return rows.length === 3;
    });
  } finally {
    stopping.abort();
    await Promise.all(keeping);
  }
});
