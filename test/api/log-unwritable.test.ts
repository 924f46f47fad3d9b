import { Client } from 'pg';
import { startServer, type Server } from '../harness';
import { settles } from '../until';

let server: Server;
beforeAll(async () => void (server = await startServer({}, { worker: false })));
afterAll(() => server.close());

const full = `create function full_disk() returns trigger language plpgsql as
  $$ begin raise exception 'could not extend file' using errcode = 'disk_full'; end $$;
  create trigger full_disk before insert on log for each row execute function full_disk()`;

test.each([
  ['may not be written', 'revoke insert on log from wheelhouse_app', 'grant insert on log to wheelhouse_app'],
  ['has no place left', full, 'drop trigger full_disk on log; drop function full_disk'],
])('while the log %s, writes answer 503, nothing happens, and reads go on', async (_what, away, back) => {
  const titles = async () => (await server.owner.query('select title from tickets order by number')).rows;
  const write = () => server.call('POST', '/api/tickets', { title: 'Mail is down', auto_assign: false });
  const before = await titles();
  await server.owner.query(away);
  expect((await write()).status).toBe(503);
  expect(await titles()).toEqual(before);
  expect((await server.call('GET', '/audit/logs')).status).toBe(200);
  expect((await server.call('GET', '/api/tickets')).status).toBe(200);
  await server.owner.query(back);
  expect((await write()).status).toBe(200);
  expect(await titles()).toHaveLength(before.length + 1);
});

test('while a writer holds the log of a tenant for too long, others are told to come back, and only of that tenant', async () => {
  const make = (key: string) =>
    server.call('POST', '/api/tickets', { title: key, auto_assign: false }, { 'idempotency-key': key });
  const other = await server.tenant();
  const holder = new Client({ connectionString: server.config.databaseUrl ?? '' });
  await holder.connect();
  await holder.query('begin');
  await holder.query(`select pg_advisory_xact_lock(hashtextextended('log:' || $1::text, 0))`, [server.tenantId]);
  const refused = await Promise.all(['held-one', 'held-two'].map(make));
  expect(refused.map(({ status, headers }) => [status, headers.get('retry-after')])).toEqual([[503, '2'], [503, '2']]); // prettier-ignore
  expect((await server.call('GET', '/api/tickets')).status).toBe(200);
  const elsewhere = await server.as(other.token)('POST', '/api/tickets', { title: 'mine', auto_assign: false });
  expect(elsewhere.status).toBe(200);
  await holder.end();
  // Who comes back sooner than was said may find the key still held by the attempt before.
  await settles(async () => {
    const again = await Promise.all(['held-one', 'held-two'].map(make));
    expect(again.map(({ status }) => status)).toEqual([200, 200]);
  });
  expect((await server.owner.query(`select from tickets where title like 'held-%'`)).rowCount).toBe(2);
}, 30_000);
