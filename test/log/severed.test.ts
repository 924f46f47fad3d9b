import { appPool } from '../../db/pool';
import { readTx } from '../../db/tx';
import { system } from '../../domain/principal';
import { verifyLog, type Verification } from '../../log/verify';
import { openHouse, type House } from '../house';
import { wire } from '../wire';

// The log is verified from the bytes of one long answer. What if they stop coming?

const written = 2_000;
const half = 1_000_000; // of some two million bytes
let house: House;
let line: Awaited<ReturnType<typeof wire>>;
let pool: ReturnType<typeof appPool>;
beforeAll(async () => {
  house = await openHouse();
  for (let i = 0; i < written; i += 250) {
    await house.store.write(house.tenantId, (tx) => {
      for (let j = i; j < i + 250; j += 1)
        tx.log({
          kind: 'ticket.created',
          actor: system,
          subject: { kind: 'ticket', id: `${j}` },
          body: { text: 'x'.repeat(500) },
        });
      return Promise.resolve();
    });
  }
});
afterAll(() => house.close());
beforeEach(async () => {
  const { hostname, port } = new URL(house.url);
  line = await wire({ host: hostname, port: Number(port) });
  const through = new URL(house.url);
  through.port = String(line.port);
  pool = appPool(through.href, 1, () => undefined);
});
afterEach(async () => {
  await pool.end();
  await line.close();
});

const verified = (): Promise<Verification> => readTx(pool, house.tenantId, (tx) => verifyLog(tx, { find: () => null }));
const right: Verification = { rowsChecked: written, errorCount: 0, violations: [] };

test('it stands still in the middle, and goes on: nothing is lost of it', async () => {
  const still = line.stillAfter(half);
  const verifying = verified();
  const goOn = await still;
  goOn();
  expect(await verifying).toEqual(right);
});

test('it is cut in the middle: that is a failure and no short log, and the next one is well', async () => {
  line.cutAfter(half);
  await expect(verified()).rejects.toThrow(/Connection terminated|ECONNRESET/);
  line.mend();
  expect(await verified()).toEqual(right);
});

test('it stands still for good: given up after the time of a statement, with its connection', async () => {
  pool.options.query_timeout = 1_500;
  const still = line.stillAfter(half);
  const failed = expect(verified()).rejects.toThrow(/timeout/i);
  await still;
  await failed;
  delete pool.options.query_timeout;
  expect(await verified()).toEqual(right); // there is one connection, and it is a new one
});
