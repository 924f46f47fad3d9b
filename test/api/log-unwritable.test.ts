import { startServer, type Server } from '../harness';

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
