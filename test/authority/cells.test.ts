import { operations } from '../../api/registry';
import { cellsOf, sweepForeign, sweepOwn, type Stage } from '../../proofs/authority/sweep';
import { makeTenant } from '../../proofs/authority/world';
import { startServer, type Server } from '../harness';

let server: Server;
let stage: Stage;

beforeAll(async () => {
  server = await startServer();
  const place = { url: server.url, owner: server.owner, databaseUrl: server.config.databaseUrl ?? '' };
  const [here, there] = await Promise.all([makeTenant(place), makeTenant(place)]);
  stage = { url: server.url, owner: server.owner, here, there };
}, 300_000);
afterAll(() => server.close());

let cells = 0;

test("every operation, everybody, every place of another tenant's id: the declared outcome, and no row moves", async () => {
  const swept = await sweepForeign(stage, operations);
  expect(swept.violations).toEqual([]);
  expect(swept.foreign2xx).toBe(0);
  expect(swept.held).toBe(swept.cells);
  cells += swept.cells;
}, 300_000);

test('every operation, everybody, in their own tenant: whoever is refused moves no row, and somebody gets through', async () => {
  const swept = await sweepOwn(stage, operations);
  expect(swept.violations).toEqual([]);
  expect(swept.held).toBe(swept.cells);
  cells += swept.cells;
}, 300_000);

test('no cell was left out', () => {
  expect(cells).toBe(cellsOf(operations));
});
