import { gzipSync } from 'node:zlib';
import { archiveFiles } from '../../../pipeline/publishing/archive';
import { publishable } from '../../../pipeline/publishing/tree';
import { tarOf, tgzOf, zipOf, type Packed } from './archives';

const formats = { tar: tarOf, tgz: tgzOf, zip: zipOf };
type Format = keyof typeof formats;
const all = Object.keys(formats) as Format[];

async function read(archive: Buffer, dir = '.'): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for await (const { path, bytes } of publishable(archiveFiles(archive, 'file'), 'file', dir)) {
    const chunks: Buffer[] = [];
    for await (const chunk of bytes) chunks.push(chunk);
    files[path] = Buffer.concat(chunks).toString();
  }
  return files;
}
const index: Packed = { path: 'index.html', text: 'x' };
const refused = (archive: Buffer, message: RegExp, code = 'Invalid') =>
  expect(read(archive)).rejects.toMatchObject({
    code,
    message: expect.stringMatching(message) as unknown,
    details: { field: 'file' },
  });

describe.each(all)('a %s', (format) => {
  const pack = (...entries: Packed[]): Buffer => formats[format](entries);

  it('gives its files, with or without a dot in front, and not its folders', async () => {
    const archive = pack(
      { path: './index.html', text: '<h1>Hello</h1>' },
      { path: 'css/', type: 'Directory' },
      { path: 'css/main.css', text: 'h1 {}' },
      { path: 'empty.txt' },
      { path: 'big.json', text: 'x'.repeat(300_000) },
    );
    expect(await read(archive)).toEqual({
      'index.html': '<h1>Hello</h1>',
      'css/main.css': 'h1 {}',
      'empty.txt': '',
      'big.json': 'x'.repeat(300_000),
    });
  });

  it('gives what is below a folder of it, and that alone', async () => {
    const archive = pack({ path: 'site/index.html', text: 'in' }, { path: 'Makefile', text: 'out' });
    expect(await read(archive, './site/')).toEqual({ 'index.html': 'in' });
    await refused(archive, /Makefile is not of a type/);
  });

  it.each<[string, Packed[], RegExp]>([
    ['leads out', [index, { path: '../out.html' }], /relative path|leads out|can't be read/],
    ['leads out further down', [index, { path: 'a/../../out.html' }], /leads out|can't be read/],
    ['is absolute', [index, { path: '/etc/passwd.txt' }], /not a relative path|can't be read/],
    ['is of Windows', [index, { path: 'C:\\out.html' }], /not a relative path|can't be read/],
    ['is hidden', [index, { path: '.git/config.txt' }], /has a name that is not published/],
    ['is of another type', [index, { path: 'run.sh' }], /not of a type/],
    ['is there twice', [index, { path: './index.html', text: 'y' }], /is there twice/],
    [
      'is a file and a folder',
      [index, { path: 'a.html' }, { path: 'a.html/b.html' }],
      /a\.html is a file, and a folder/,
    ],
    [
      'is a folder and a file',
      [index, { path: 'a.html/c/b.html' }, { path: 'a.html' }],
      /a\.html is a file, and a folder/,
    ],
    ['is missing', [{ path: 'page.html' }], /holds no index\.html/],
    ['is a link', [index, { path: 'a.html', type: 'SymbolicLink', linkpath: '/etc/passwd' }], /a\.html is a link/],
    ['is a pipe', [index, { path: 'a.html', type: 'FIFO' }], /is not a file|no file/],
  ])('with something that %s is refused', (_, entries, message) => refused(pack(...entries), message));

  it('of 200 files is read, of more refused', async () => {
    const pages = Array.from({ length: 199 }, (_, i) => ({ path: `${i}.html`, text: `${i}` }));
    expect(Object.keys(await read(pack(index, ...pages)))).toHaveLength(200);
    await refused(pack(index, ...pages, { path: 'more.html' }), /more than 200 files/, 'TooLarge');
    const folders = Array.from({ length: 401 }, (_, i) => ({ path: `${i}/`, type: 'Directory' as const }));
    await refused(pack(index, ...folders), /more than 200 files/, 'TooLarge');
  });

  it('that unpacks to more than a site may have is stopped', async () => {
    const megabytes = Buffer.alloc(13 * 1024 * 1024);
    const bomb = pack(index, { path: 'a.png', text: megabytes }, { path: 'b.png', text: megabytes });
    await refused(bomb, /more than 26214400 bytes/, 'TooLarge');
  });

  it('that is cut or damaged is refused', async () => {
    const archive = pack(index, { path: 'a.html', text: 'some text that is there '.repeat(2_000) });
    await refused(archive.subarray(0, archive.length >> 1), /can't be read|holds no/);
    const damaged = Buffer.from(archive);
    damaged.fill(0xff, 20, 60);
    await refused(damaged, /can't be read|no archive|holds no|not published/);
  });
});

it('refuses a hard link of a tar', () =>
  refused(tarOf([index, { path: 'a.html', type: 'Link', linkpath: 'index.html' }]), /a\.html is a link/));

it('refuses a path that is too long', () =>
  refused(zipOf([index, { path: `${'a/'.repeat(150)}b.html` }]), /a path of more than 300 characters/));

it('refuses a zip whose file is larger than it says, or encrypted', async () => {
  const grows = { path: 'a.html', text: 'x'.repeat(1_000_000), saysSize: 10 };
  await refused(zipOf([index, grows]), /can't be read/);
  await refused(zipOf([index, { path: 'a.html', text: 'x', encrypted: true }]), /encrypted/);
});

it('fails nowhere but where a file is read, however long nobody reads it', async () => {
  const grows = { path: 'a.html', text: 'x'.repeat(1_000_000), saysSize: 10 };
  const files = [];
  for await (const file of archiveFiles(zipOf([index, grows]), 'file')) files.push(file);
  await new Promise((resolve) => setTimeout(resolve, 50)); // an error that nobody listens for would end the process
  const [, second] = files;
  await expect((async () => { for await (const _ of second?.bytes ?? []); })()).rejects.toThrow(/can't be read/); // prettier-ignore
});

it('refuses a gzip that unpacks to a gzip, to nothing, or to more and more', async () => {
  await refused(gzipSync(tgzOf([index])), /holds no tar/);
  await refused(gzipSync(Buffer.alloc(0)), /holds no tar/);
  const bomb = tgzOf([index, { path: 'a.png', text: Buffer.alloc(60 * 1024 * 1024) }]);
  expect(bomb.length).toBeLessThan(100_000);
  await refused(bomb, /unpacks to more than 26214400 bytes/, 'TooLarge');
});

it('reads no further than the end of a tar, however much comes behind it', async () => {
  const padded = gzipSync(Buffer.concat([tarOf([index]), Buffer.alloc(60 * 1024 * 1024)]));
  const from = performance.now();
  expect(await read(padded)).toEqual({ 'index.html': 'x' });
  expect(performance.now() - from).toBeLessThan(5_000);
});

it.each([['text', 'hello'], ['an empty file', ''], ['a picture', '\u0089PNG\r\n']])('refuses %s', (_, text) =>
  refused(Buffer.from(text), /no archive/)); // prettier-ignore
