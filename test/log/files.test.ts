import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { loadConfig } from '../../config';
import { verified, type FileStore } from '../../log/files';
import { diskFiles } from '../../log/files-disk';
import { s3Files } from '../../log/files-s3';
import { stubS3, type StubS3 } from '../stub-s3';

const [tenant, other] = [randomUUID(), randomUUID()];
const sha = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');
const bytesOf = (...parts: (Buffer | string)[]) => Readable.from(parts.map((p) => Buffer.from(p)));
const text = async (stream: Readable | null): Promise<string | null> =>
  stream && Buffer.concat((await stream.toArray()) as Buffer[]).toString();
const most = 64 * 1024 * 1024;
const dayMs = 24 * 3600 * 1000;

let folder: string;
let s3: StubS3;
let stores: Record<string, FileStore>;
/** What came and was not let go of, by store. */
const arriving: Record<string, () => unknown[]> = {
  disk: () => readdirSync(join(folder, 'files'), { recursive: true }).filter((f) => String(f).includes('.incoming')),
  s3: () => [...s3.keys('here/incoming/'), ...s3.uploads.keys()],
};
/** As if everything had come the day before. */
const age: Record<string, () => void> = {
  disk: () => {
    const yesterday = new Date(Date.now() - dayMs);
    for (const f of readdirSync(join(folder, 'files'), { recursive: true }))
      utimesSync(join(folder, 'files', String(f)), yesterday, yesterday);
  },
  s3: () => s3.ages(dayMs),
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wheelhouse-files-'));
  s3 = await stubS3();
  const settings = loadConfig(s3.settings()).files.s3;
  if (!settings) throw new Error('S3 is not set');
  stores = { disk: diskFiles(folder), s3: await s3Files(settings) };
});
afterEach(() => s3.heals());
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await s3.close();
});

describe.each(['disk', 's3'])('files on %s', (name) => {
  const at = (): FileStore => stores[name] as FileStore;
  const stage = (...parts: (Buffer | string)[]) => at().stage(tenant, bytesOf(...parts), most);
  const listed = async (): Promise<string[]> => {
    const all: string[] = [];
    for await (const { tenantId, files } of at().list()) all.push(...files.map((f) => `${tenantId}/${f.sha256}`));
    return all.sort();
  };

  it('are told by their content while they come, and there when they are kept', async () => {
    const staged = await stage('one ', 'line\n');
    expect(staged).toMatchObject({ sha256: sha('one line\n'), sizeBytes: 9, detectedType: null });
    expect(await at().open(tenant, staged.sha256)).toBeNull();
    await staged.keep();
    await staged.keep(); // a transaction that is tried again
    await staged.discard();
    await staged.discard();
    expect(await text(await at().open(tenant, staged.sha256))).toBe('one line\n');
    expect(await text(await at().open(tenant, staged.sha256, { start: 4, end: 7 }))).toBe('line');
    expect(arriving[name]?.()).toEqual([]);
  });

  it('are what their first bytes say', async () => {
    const png = Buffer.concat([Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), Buffer.alloc(64)]);
    for (const [bytes, type] of [
      [png, 'image/png'],
      [Buffer.from('1f8b0800000000000003', 'hex'), 'application/gzip'],
      [Buffer.from('<html><script>alert(1)</script>'), null],
      [Buffer.from('PK\u0003\u0004'), expect.anything()],
      [Buffer.alloc(0), null],
    ] as const) {
      const staged = await stage(bytes);
      expect(staged.detectedType).toEqual(type);
      await staged.discard();
    }
  });

  it('of several parts come whole', async () => {
    const bytes = Buffer.alloc(13 * 1024 * 1024, 'abcdefg');
    const staged = await at().stage(tenant, bytesOf(bytes.subarray(0, 3_000_001), bytes.subarray(3_000_001)), most);
    await staged.keep();
    await staged.discard();
    const back = await (await at().open(tenant, sha(bytes)))?.toArray();
    expect(sha(Buffer.concat((back ?? []) as Buffer[]))).toBe(sha(bytes));
  });

  it('that are too large, or break off, leave nothing', async () => {
    const before = await listed();
    await expect(at().stage(tenant, bytesOf(Buffer.alloc(5 * 1024 * 1024), 'x'), 5 * 1024 * 1024)).rejects.toMatchObject({ code: 'TooLarge' }); // prettier-ignore
    async function* breaks(): AsyncIterable<Buffer> {
      yield Buffer.alloc(6 * 1024 * 1024);
      yield await Promise.reject(new Error('gone'));
    }
    await expect(at().stage(tenant, breaks(), most)).rejects.toThrow();
    expect(arriving[name]?.()).toEqual([]);
    expect(await listed()).toEqual(before);
  });

  it('are one in a tenant, and shared by none', async () => {
    const [a, b] = [await stage('same'), await stage('same')];
    await Promise.all([a.keep(), b.keep()]);
    await Promise.all([a.discard(), b.discard()]);
    expect((await listed()).filter((f) => f.endsWith(sha('same')))).toEqual([`${tenant}/${sha('same')}`]);
    expect(await at().open(other, sha('same'))).toBeNull();
    await at().remove(other, sha('same'));
    expect(await text(await at().open(tenant, sha('same')))).toBe('same');
    await at().remove(tenant, sha('same'));
    expect(await at().open(tenant, sha('same'))).toBeNull();
  });

  it('that nobody let go of are cleared when they are old, and no others', async () => {
    await stage('left behind');
    expect(await at().clear(new Date(Date.now() - dayMs / 2))).toBe(0);
    age[name]?.();
    const staged = await stage('just coming');
    expect(await at().clear(new Date(Date.now() - dayMs / 2))).toBe(1);
    await staged.keep();
    await staged.discard();
    expect(arriving[name]?.()).toEqual([]);
  });

  it('have names that lead nowhere else', async () => {
    await expect(async () => at().open(tenant, '../../etc/passwd')).rejects.toThrow(TypeError);
    await expect(async () => at().open('..', sha('x'))).rejects.toThrow(TypeError);
    await expect(at().stage('../x', bytesOf('x'), most)).rejects.toThrow(TypeError);
  });
});

describe('a disk', () => {
  const at = (): FileStore => stores['disk'] as FileStore;
  it('that takes a part of what it is given is given the rest, and a file that is not whole is not kept', async () => {
    const handle = await open(join(folder, 'handle'), 'w');
    const proto = Object.getPrototypeOf(handle) as FileHandle;
    await handle.close();
    const write = Reflect.get(proto, 'write') as unknown as (this: FileHandle, bytes: Buffer) => never;
    jest.spyOn(proto, 'write').mockImplementation(function (this: FileHandle, bytes: unknown) {
      return write.call(this, (bytes as Buffer).subarray(0, 5));
    });
    const whole = await at().stage(tenant, bytesOf('taken in parts'), most);
    await whole.keep();
    await whole.discard();
    jest.restoreAllMocks();
    expect(await text(await at().open(tenant, sha('taken in parts')))).toBe('taken in parts');

    jest.spyOn(proto, 'stat').mockResolvedValue({ size: 3 } as never);
    await expect(at().stage(tenant, bytesOf('taken'), most)).rejects.toMatchObject({ code: 'Unavailable' });
    jest.restoreAllMocks();
    expect(arriving['disk']?.()).toEqual([]);
    expect(await at().open(tenant, sha('taken'))).toBeNull();
  });

  it('keeps the copy that stands while it is good, and puts another in the place of one that is not', async () => {
    const path = join(folder, 'files', tenant, sha('standing'));
    const keep = async (): Promise<number> => {
      const staged = await at().stage(tenant, bytesOf('standing'), most);
      await staged.keep();
      await staged.discard();
      return statSync(path).ino;
    };
    const first = await keep();
    expect(await keep()).toBe(first);
    writeFileSync(path, 'st0nding');
    expect(await keep()).not.toBe(first);
    expect(await text(await at().open(tenant, sha('standing')))).toBe('standing');
  });
});

describe('a store that is in trouble', () => {
  const at = (): FileStore => stores['s3'] as FileStore;
  const away = { code: 'Unavailable' };

  it.each(['PutObject', 'CopyObject'] as const)('takes nothing while %s fails, and says so', async (operation) => {
    for (const what of [{ kind: 'status', status: 503, code: 'SlowDown' }, { kind: 'reset' }, { kind: 'silence' }] as const) {
      s3.fails(operation, what);
      const stored = async (): Promise<void> => {
        const staged = await at().stage(tenant, bytesOf('troubled'), most);
        await staged.keep();
      };
      await expect(stored()).rejects.toMatchObject(away);
      expect(await at().open(tenant, sha('troubled'))).toBeNull();
      s3.heals();
    }
  }, 60_000); // prettier-ignore

  it('is asked again, and answers of what it did may be lost', async () => {
    s3.fails('PutObject', { kind: 'status', status: 500, code: 'InternalError' }, 1);
    s3.fails('CopyObject', { kind: 'deaf' }, 1);
    const staged = await at().stage(tenant, bytesOf('again'), most);
    await staged.keep();
    expect(await text(await at().open(tenant, sha('again')))).toBe('again');
  });

  it('lets a part fail, and nothing of the upload is left', async () => {
    s3.fails('UploadPart', { kind: 'status', status: 503, code: 'SlowDown' });
    await expect(at().stage(tenant, bytesOf(Buffer.alloc(11 * 1024 * 1024)), most)).rejects.toMatchObject(away);
    expect(s3.uploads.size).toBe(0);
  });

  it('that dies in the middle of a file gives no whole one', async () => {
    const staged = await at().stage(tenant, bytesOf(Buffer.alloc(400_000, 'x')), most);
    await staged.keep();
    s3.fails('GetObject', { kind: 'half' }, 1);
    await expect(text(await at().open(tenant, staged.sha256))).rejects.toThrow();
    expect((await text(await at().open(tenant, staged.sha256)))?.length).toBe(400_000);
  });

  it('is cleared of uploads of which only parts came', async () => {
    s3.uploads.set('left', { key: `here/incoming/${tenant}/x`, at: new Date(0), parts: new Map() });
    expect(await at().clear(new Date(Date.now() - dayMs))).toBe(1);
    expect(s3.uploads.has('left')).toBe(false);
  });

  it('lists page by page', async () => {
    s3.pages(1);
    const all: string[] = [];
    for await (const { files } of at().list()) all.push(...files.map((f) => f.sha256));
    s3.pages(1000);
    expect(all.length).toBe(s3.keys('here/files/').length);
    expect(all.length).toBeGreaterThan(1);
  });
});

test('a file that is not what was stored breaks off before its end', async () => {
  const [good, bad] = [Buffer.from('stored'), Buffer.from('st0red')];
  const all = async (bytes: Buffer): Promise<string> => {
    let seen = '';
    for await (const chunk of verified(bytesOf(bytes.subarray(0, 2), bytes.subarray(2)), sha(good)))
      seen += chunk.toString();
    return seen;
  };
  expect(await all(good)).toBe('stored');
  await expect(all(bad)).rejects.toThrow(/not what was stored/);
});

test('what is in the folder and is no file of ours is left alone', async () => {
  writeFileSync(join(folder, 'files', 'readme.txt'), 'x');
  const seen: string[] = [];
  for await (const { files } of (stores['disk'] as FileStore).list()) seen.push(...files.map((f) => f.sha256));
  expect(seen).not.toContain('readme.txt');
});
