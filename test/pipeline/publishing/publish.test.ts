import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Run } from '../../../domain/run';
import { publish, publishPage, type Publication } from '../../../pipeline/publishing/publish';
import { treeFiles } from '../../../pipeline/publishing/tree';
import { openHouse, type House } from '../../house';
import { repeats, type Publishing } from './repeats';

let house: House;
let work: string;
let run: Run;

beforeAll(async () => {
  house = await openHouse();
  run = await house.run(await house.ticket());
  Object.assign(shared, { house, run });
});
afterAll(() => house.close());
beforeEach(() => {
  work = mkdtempSync(join(tmpdir(), 'wheelhouse-work-'));
});
afterEach(() => rmSync(work, { recursive: true, force: true }));

const deps = (publicUrl: string | null = null) => ({ store: house.store, files: house.files, publicUrl });
const publication = (slug: string, of: Partial<Publication> = {}): Publication => ({
  tenantId: run.tenantId,
  slug,
  runId: run.id,
  ticketId: run.ticketId,
  agentId: run.agentId,
  actor: { id: run.agentId, kind: 'agent', name: 'agent-1' },
  effect: `${run.id}-1`,
  ...of,
});
/** What came and was not let go of. */
const arriving = (): string[] =>
  readdirSync(join(house.dataDir, 'files', house.tenantId)).filter((name) => name.startsWith('.'));
const pathsOf = async (slug: string): Promise<string[]> => {
  const { rows } = await house.owner.query<{ path: string }>(
    'select path from deployment_files f join publications p using (deployment_id) where p.slug = $1 order by 1',
    [slug],
  );
  return rows.map((r) => r.path);
};

function write(files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(work, path)), { recursive: true });
    writeFileSync(join(work, path), text);
  }
}
const publishFrom = (slug: string, dir: string, of: Partial<Publication> = {}) =>
  publish(deps(), publication(slug, of), treeFiles({ root: work, dir }));

const kindsOf = async (slug: string): Promise<string[]> => {
  const { rows } = await house.owner.query<{ kind: string }>(
    'select kind from log where subject_id = $1 order by seq',
    [slug],
  );
  return rows.map((r) => r.kind);
};

describe('a tree', () => {
  test('is published whole, with what it is made of', async () => {
    write({ 'site/index.html': '<h1>Hello</h1>', 'site/css/main.css': 'h1 {}', 'site/notes/deep/a.md': '# A' });
    const done = await publishFrom('hello-demo', 'site');
    expect(done).toEqual({
      slug: 'hello-demo',
      url: '/published/hello-demo/',
      file_count: 3,
      total_bytes: 22,
      digest: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown,
      deployment_id: expect.any(Number) as unknown,
    });
    expect(await house.page('hello-demo', 'notes/deep/a.md')).toBe('# A');
    expect(arriving()).toEqual([]);
    const { rows } = await house.owner.query(
      'select run_id, digest, file_count, total_bytes from publications where slug = $1',
      ['hello-demo'],
    );
    expect(rows).toEqual([{ run_id: run.id, digest: done.digest, file_count: 3, total_bytes: 22 }]);
    expect(await kindsOf('hello-demo')).toEqual(['publication.published']);
  });

  test('is replaced as a whole by the same run; what is gone is gone', async () => {
    write({ 'one/index.html': '1', 'one/old.html': 'old', 'two/index.html': '2' });
    const first = await publishFrom('replaced', 'one');
    const second = await publishFrom('replaced', 'two', { effect: `${run.id}-2` });
    expect(second.digest).not.toBe(first.digest);
    expect(await pathsOf('replaced')).toEqual(['index.html']);
    expect(await house.page('replaced')).toBe('2');
    expect(arriving()).toEqual([]);
  });

  test.each<[string, Record<string, string>, string, RegExp]>([
    ['without index.html', { 'a/page.html': 'x' }, 'a', /holds no index\.html/],
    ['with index.html further down alone', { 'a/b/index.html': 'x' }, 'a', /holds no index\.html/],
    ['of another type', { 'a/index.html': 'x', 'a/run.sh': 'x' }, 'a', /run\.sh is not of a type/],
    ['without a type', { 'a/index.html': 'x', 'a/LICENSE': 'x' }, 'a', /LICENSE is not of a type/],
    ['with a hidden file', { 'a/index.html': 'x', 'a/.env.html': 'x' }, 'a', /\.env\.html" has a name/],
    ['with a hidden folder', { 'a/index.html': 'x', 'a/.git/config.txt': 'x' }, 'a', /\.git" has a name/],
    ['outside', { 'index.html': 'x' }, '..', /leads out of the work folder/],
    ['outside by an absolute path', { 'index.html': 'x' }, '/etc', /leads out of the work folder/],
    ['outside by a detour', { 'a/index.html': 'x' }, 'a/../../..', /leads out of the work folder/],
    ['that is not there', {}, 'nowhere', /there is no such folder/],
    ['that is a file', { 'index.html': 'x' }, 'index.html', /is not a folder/],
  ])('%s is refused', async (_, files, dir, message) => {
    write(files);
    await expect(publishFrom('refused', dir)).rejects.toMatchObject({
      code: 'Invalid',
      message: expect.stringMatching(message) as unknown,
      details: { field: 'source_dir' },
    });
    expect((await house.owner.query(`select 1 from publications where slug = 'refused'`)).rows).toEqual([]);
    expect(arriving()).toEqual([]);
  });

  test.each<[string, () => void]>([
    ['a file', () => symlinkSync('/etc/hostname', join(work, 'a', 'page.html'))],
    ['a folder', () => symlinkSync('/etc', join(work, 'a', 'etc'))],
    ['nothing', () => symlinkSync('/nowhere', join(work, 'a', 'page.html'))],
  ])('with a link to %s is refused', async (_, link) => {
    write({ 'a/index.html': 'x' });
    link();
    await expect(publishFrom('linked', 'a')).rejects.toMatchObject({
      code: 'Invalid',
      message: expect.stringMatching(/symbolic link/) as unknown,
    });
  });

  test('reached through a link is refused', async () => {
    write({ 'real/index.html': 'x' });
    symlinkSync(join(work, 'real'), join(work, 'way'));
    await expect(publishFrom('linked', 'way')).rejects.toMatchObject({
      message: expect.stringMatching(/leads through a symbolic link/) as unknown,
    });
  });

  test('with something that is no file is refused', async () => {
    write({ 'a/index.html': 'x' });
    const server = createServer().listen(join(work, 'a', 'socket.html'));
    await once(server, 'listening');
    try {
      await expect(publishFrom('socket', 'a')).rejects.toMatchObject({
        code: 'Invalid',
        message: expect.stringMatching(/socket\.html is not a file/) as unknown,
      });
    } finally {
      server.close();
    }
  });

  test('of 200 files is published, of 201 refused', async () => {
    write(
      Object.fromEntries(['index', ...Array.from({ length: 199 }, (_, i) => `${i}`)].map((n) => [`a/${n}.html`, n])),
    );
    expect(await publishFrom('many', 'a')).toMatchObject({ file_count: 200 });
    write({ 'a/more.html': 'x' });
    await expect(publishFrom('many', 'a')).rejects.toMatchObject({
      code: 'TooLarge',
      message: expect.stringMatching(/200 files/) as unknown,
    });
  });

  test('of 25 MiB is published, of one byte more refused', async () => {
    write({ 'a/index.html': '', 'a/image.png': '' });
    truncateSync(join(work, 'a/image.png'), 25 * 1024 * 1024);
    expect(await publishFrom('big', 'a')).toMatchObject({ total_bytes: 25 * 1024 * 1024 });
    write({ 'a/index.html': 'x' });
    await expect(publishFrom('big', 'a')).rejects.toMatchObject({
      code: 'TooLarge',
      message: expect.stringMatching(/bytes/) as unknown,
    });
    expect(arriving()).toEqual([]);
  });
});

describe('an address', () => {
  const page = (slug: string, html: string, of: Partial<Publication> = {}, url: string | null = null) =>
    publishPage(deps(url), publication(slug, of), html);

  test('starts with what the outside world calls this server', async () => {
    expect((await page('named', 'x', {}, 'https://wheelhouse.example/')).url).toBe(
      'https://wheelhouse.example/published/named/',
    );
  });

  test.each(['', '-a', 'A', 'a/b', '..', '.staging', 'ä', 'a b', 'a'.repeat(64)])('%j is none', async (slug) => {
    await expect(page(slug, 'x')).rejects.toMatchObject({ code: 'Invalid', details: { field: 'slug' } });
  });

  test('of another run, or of another tenant, is taken', async () => {
    await page('taken', 'mine');
    const other = await house.run(await house.ticket());
    await expect(page('taken', 'theirs', { runId: other.id, effect: `${other.id}-1` })).rejects.toMatchObject({
      code: 'Conflict',
      details: { field: 'slug' },
    });
    const { tenantId } = await house.tenant('elsewhere');
    const foreign = await house.ticket({ tenantId });
    const elsewhere = { tenantId, ticketId: foreign.id, runId: other.id, effect: `${other.id}-2` };
    await expect(page('taken', 'theirs', elsewhere)).rejects.toMatchObject({ code: 'Conflict' });
    expect(await house.page('taken')).toBe('mine');
    expect(arriving()).toEqual([]);
  });

  test('that many runs want at once goes to one', async () => {
    const runs = await Promise.all(Array.from({ length: 6 }, async () => house.run(await house.ticket())));
    const done = await Promise.allSettled(
      runs.map((r, i) => page('wanted', `page ${i}`, { runId: r.id, ticketId: r.ticketId, effect: `${r.id}-1` })),
    );
    const won = done.findIndex((d) => d.status === 'fulfilled');
    expect(done.filter((d) => d.status === 'fulfilled')).toHaveLength(1);
    expect(await house.page('wanted')).toBe(`page ${won}`);
    expect(arriving()).toEqual([]);
  });
});

const shared = { deps, publication, arriving, kindsOf } as Publishing;
repeats(shared);
