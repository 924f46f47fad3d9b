import { createHash, randomUUID } from 'node:crypto';
import { createLogger } from '../../log/logger';
import { openKernel } from '../../log/open';
import { sweepFiles } from '../../workers/files';
import { startServer, type Server } from '../harness';
import { stubS3, type StubS3 } from '../stub-s3';

let s3: StubS3;
let server: Server;
let kernel: Awaited<ReturnType<typeof openKernel>>;
beforeAll(async () => {
  s3 = await stubS3();
  server = await startServer(s3.settings(), { worker: false });
  kernel = await openKernel(server.config, createLogger('silent', 'test'));
});
afterEach(() => s3.heals());
afterAll(async () => {
  await kernel.pool.end();
  await server.close();
  await s3.close();
});

const sha = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');
const form = (bytes: Buffer | string): FormData => {
  const data = new FormData();
  data.append('file', new Blob([bytes]), 'a.bin');
  return data;
};
const create = async (): Promise<number> =>
  (await server.call('POST', '/api/tickets', { title: 'Mail is down', auto_assign: false })).body.id as number;
const attach = (id: number, bytes: Buffer | string, headers = {}) =>
  server.call('POST', `/api/tickets/${id}/attachments`, form(bytes), headers);
const kept = (bytes: Buffer | string, tenant = server.tenantId): string => `here/files/${tenant}/${sha(bytes)}`;
const names = async (id: number): Promise<unknown[]> =>
  (await server.call('GET', `/api/tickets/${id}/attachments`)).body.attachments;
const sweep = (ageMs = 0) => sweepFiles(kernel.store, kernel.files, new Date(Date.now() - ageMs));

it('keeps what is attached in the bucket, once for each tenant, and gives it back', async () => {
  const bytes = Buffer.alloc(12 * 1024 * 1024, 'many parts ');
  const id = await create();
  const made = await attach(id, bytes);
  expect(made.body).toMatchObject({ sha256: sha(bytes), size_bytes: bytes.length });
  await attach(id, bytes);
  const stranger = await server.tenant();
  const theirs = await server.as(stranger.token)('POST', '/api/tickets', { title: 'x', auto_assign: false });
  await server.as(stranger.token)('POST', `/api/tickets/${theirs.body.id}/attachments`, form(bytes));
  expect(s3.keys()).toEqual([kept(bytes), kept(bytes, stranger.tenantId)].sort());
  const headers = { authorization: `Bearer ${server.token}` };
  const back = await fetch(server.url + (made.body.download_url as string), { headers });
  expect(sha(Buffer.from(await back.arrayBuffer()))).toBe(sha(bytes));
  const part = await fetch(server.url + (made.body.download_url as string), { headers: { ...headers, range: 'bytes=11-20' } });
  expect([part.status, await part.text()]).toEqual([206, 'many parts']);
}); // prettier-ignore

it('acknowledges nothing that is not stored: trouble is 503, and a repeat makes one', async () => {
  const id = await create();
  const key = { 'idempotency-key': randomUUID() };
  for (const [operation, what] of [
    ['PutObject', { kind: 'status', status: 503, code: 'SlowDown' }],
    ['CopyObject', { kind: 'reset' }],
  ] as const) {
    s3.fails(operation, what);
    const refused = await attach(id, 'troubled', key);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, expect.any(String)]);
    expect(await names(id)).toEqual([]);
    s3.heals();
  }
  const first = await attach(id, 'troubled', key);
  const again = await attach(id, 'troubled', key);
  expect([first.status, again.body]).toEqual([200, first.body]);
  expect(await names(id)).toHaveLength(1);
  expect(s3.keys()).toContain(kept('troubled'));
});

it('keeps what it acknowledged though the answer to a copy, or the clean-up behind it, is lost', async () => {
  const id = await create();
  s3.fails('CopyObject', { kind: 'deaf' }, 1);
  s3.fails('DeleteObject', { kind: 'status', status: 503, code: 'SlowDown' });
  expect((await attach(id, 'heard at last')).status).toBe(200);
  s3.heals();
  expect(s3.keys('here/incoming/')).toHaveLength(1);
  expect(await sweep()).toMatchObject({ cleared: 1 });
  expect(s3.keys('here/incoming/')).toEqual([]);
  expect(s3.keys()).toContain(kept('heard at last'));
});

it('answers 503 while what was stored cannot be had, and breaks off what dies in the middle', async () => {
  const made = await attach(await create(), Buffer.alloc(300_000, 'x'));
  const get = () =>
    fetch(server.url + (made.body.download_url as string), { headers: { authorization: `Bearer ${server.token}` } });
  s3.fails('GetObject', { kind: 'status', status: 503, code: 'SlowDown' });
  expect((await get()).status).toBe(503);
  s3.heals();
  s3.fails('GetObject', { kind: 'half' }, 1);
  await expect(get().then((res) => res.text())).rejects.toThrow();
  expect((await (await get()).text()).length).toBe(300_000);
});

describe('the sweep', () => {
  const orphan = async (bytes: string, tenant = server.tenantId): Promise<void> => {
    async function* one(): AsyncIterable<Buffer> {
      yield await Promise.resolve(Buffer.from(bytes));
    }
    const staged = await kernel.files.stage(tenant, one(), 1000);
    await staged.keep();
    await staged.discard();
  };

  it('removes what no row names, when it is old, and leaves what one does', async () => {
    await attach(await create(), 'named');
    await orphan('of a process that died before its commit');
    expect((await sweep(60_000)).removed).toBe(0);
    expect((await sweep()).removed).toBe(1);
    expect(s3.keys()).toContain(kept('named'));
    expect(s3.keys()).not.toContain(kept('of a process that died before its commit'));
  });

  it('leaves alone what belongs to no tenant of this database', async () => {
    const elsewhere = randomUUID();
    await orphan('another installation', elsewhere);
    await sweep();
    expect(s3.keys()).toContain(kept('another installation', elsewhere));
  });

  it('sees what was attached after it began and before it had the lock', async () => {
    const id = await create();
    await orphan('just in time');
    const late = async (tenant: string, query: (sql: string) => Promise<unknown>): Promise<void> => {
      if (tenant !== server.tenantId) return;
      await query('select'); // its snapshot, if it has one, is from here
      expect((await attach(id, 'just in time')).status).toBe(200);
    };
    const store: typeof kernel.store = {
      ...kernel.store,
      read: (t, work) => kernel.store.read(t, async (tx) => late(t, (sql) => tx.query(sql)).then(() => work(tx))),
      write: (t, work) => kernel.store.write(t, async (tx) => late(t, (sql) => tx.query(sql)).then(() => work(tx))),
    };
    await sweepFiles(store, kernel.files, new Date());
    expect(s3.keys()).toContain(kept('just in time'));
  });

  it('never takes what is being attached, however often it comes by', async () => {
    const id = await create();
    const texts = Array.from({ length: 12 }, (_, i) => `contended ${i}`);
    for (const text of texts) await orphan(text); // what is attached is there already, and nothing names it
    let done = false;
    const sweeping = (async () => {
      while (!done) await sweep();
    })();
    const answers = await Promise.all(texts.map((text) => attach(id, text)));
    done = true;
    await sweeping;
    expect(new Set(answers.map((a) => a.status))).toEqual(new Set([200]));
    for (const text of texts) expect(s3.keys()).toContain(kept(text));
  });
});
