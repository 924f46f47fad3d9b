import { startServer, type Server } from '../harness';

let server: Server;
beforeAll(async () => {
  server = await startServer({}, { worker: false });
});
afterAll(() => server.close());

const call = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  server.call(method, `/api/knowledge${path}`, body, headers);
const write = async (title: string, body: string, more: Record<string, unknown> = {}): Promise<number> =>
  (await call('POST', '', { title, body, ...more })).body.id;
const search = async (q: string): Promise<number[]> =>
  (await call('GET', `?q=${encodeURIComponent(q)}`)).body.articles.map((a: { id: number }) => a.id);
const entries = async (id: number) => {
  const { rows } = await server.owner.query<{ kind: string; body: Record<string, unknown> }>(
    `select kind, body from log where subject_kind = 'article' and (body ->> 'article_id')::int = $1 order by seq`,
    [id],
  );
  return rows;
};

test('is found by its words, the title before the body, phrases and exclusions as people type them', async () => {
  const titled = await write('Disk is full', 'Remove old archives from the volume.');
  const told = await write('Archives', 'When the disk of the café fills up, ask first.');
  const other = await write('Staging', 'A disk that nobody minds.');
  expect(await search('disk')).toEqual([titled, ...[other, told].sort((a, b) => b - a)]);
  expect(await search('CAFE disk')).toEqual([told]);
  expect(await search('"old archives"')).toEqual([titled]);
  expect(await search('"archives old"')).toEqual([]);
  expect((await search('disk -volume')).sort()).toEqual([told, other].sort());
  expect((await search('volume or nobody')).sort()).toEqual([titled, other].sort());
  expect(new Set(await search('volume or -disk'))).toEqual(new Set([titled]));
  expect(await search('%_%')).toEqual([]);
  const scripts = await write('ディスクが', 'डिस्क भर गई है');
  for (const word of ['ディスクが', 'डिस्क', 'भर है']) expect(await search(word)).toEqual([scripts]);
  const [best] = (await call('GET', '?q=volume')).body.articles;
  expect(best).toMatchObject({ id: titled, snippet: expect.stringContaining('**volume**') });
  expect(best.rank).toBeGreaterThan(0);
  // Four bytes hold seven digits; as eight they would show the noise behind them.
  expect(String(best.rank).length).toBeLessThan(12);
  expect((await call('GET', '?q=disk&limit=1&offset=1')).body).toMatchObject({
    total: 3,
    articles: [{ rank: expect.any(Number) }],
  });
});

test('follows what is written: a word that is gone finds it no more, one that is switched off is shown when asked for', async () => {
  const id = await write('Ladder', 'Bring the aluminium one.', { category: 'tools', tags: ['a'] });
  await call('PUT', `/${id}`, { body: 'Bring the wooden one.' });
  expect([await search('aluminium'), await search('wooden')]).toEqual([[], [id]]);
  await call('PUT', `/${id}`, { enabled: false });
  expect(await search('wooden')).toEqual([]);
  expect((await call('GET', '?q=wooden&enabled_only=false&category=tools')).body).toMatchObject({ total: 1 });
});

test('keeps what it said before, and who said it', async () => {
  const id = await write('Pump', 'Version one.');
  const author = server.as((await server.user('ADMIN')).token);
  const changed = await author('PUT', `/api/knowledge/${id}`, { body: 'Version two.', category: 'water' });
  expect(changed.body).toEqual({ status: 'updated', id, version: 2 });
  expect((await call('PUT', `/${id}`, { body: 'Version two.' })).body.version).toBe(2);
  const stale = await call('PUT', `/${id}`, { title: 'Late', version: 1 });
  expect([stale.status, stale.body.field]).toEqual([409, 'version']);
  await call('PUT', `/${id}`, { title: 'Pumps', version: 2, category: null });
  const { body } = await call('GET', `/${id}`);
  expect(body).toMatchObject({ version: 3, title: 'Pumps', body: 'Version two.', category: null });
  expect(body.history).toMatchObject([
    { version: 2, title: 'Pump', body: 'Version two.', category: 'water', changed_by: expect.stringContaining('@') },
    { version: 1, title: 'Pump', body: 'Version one.', category: null },
  ]);
  expect((await call('GET', `/${id}?max_history=1`)).body.history).toHaveLength(1);
  expect(await entries(id)).toMatchObject([
    { kind: 'article.created' },
    { kind: 'article.updated', body: { version: 2, changed: ['body', 'category'] } },
    { kind: 'article.updated', body: { version: 3, changed: ['title', 'category'] } },
  ]);
});

test('two who change it at once make two versions; a repeat with its key makes one article', async () => {
  const id = await write('Gate', 'Shut.');
  await Promise.all(['a', 'b', 'c'].map((word) => call('PUT', `/${id}`, { body: `Open ${word}.` })));
  expect((await call('GET', `/${id}`)).body.history.map((h: { version: number }) => h.version)).toEqual([3, 2, 1]);
  const key = { 'idempotency-key': 'once' };
  const twice = await Promise.all([1, 2].map(() => call('POST', '', { title: 'Once', body: 'Only.' }, key)));
  const made = new Set(twice.filter((a) => a.status === 200).map((a) => a.body.id));
  expect(made.size).toBe(1);
  expect(await search('only')).toHaveLength(1);
});

test('one article a reference', async () => {
  const id = await write('Ref', 'One.', { external_ref: 'wiki:7' });
  const second = await call('POST', '', { title: 'Ref', body: 'Two.', external_ref: 'wiki:7' });
  expect([second.status, second.body.id, second.body.field]).toEqual([409, id, 'external_ref']);
});
