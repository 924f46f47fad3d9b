import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createGunzip } from 'node:zlib';
import { Parser, type ReadEntry } from 'tar';
import { fromBufferPromise, type Entry, type ZipFile } from 'yauzl';
import { DomainError, Invalid, TooLarge } from '../../domain/errors';
import { treeLimits, type TreeFile } from './tree';

// Archives are read in memory, and nothing of them is ever unpacked onto a disk: a link in one has nothing to lead to.

const mostEntries = treeLimits.files + treeLimits.folders;
/** Of a tar, headers and padding besides what is in its files. */
const mostUnpacked = treeLimits.bytes + 4 * 1024 * 1024;

/** What refuses, in the name of the part of the request that brought the archive. */
interface Refusing {
  field: string;
  refuse: (message: string) => never;
  tooLarge: (message: string) => never;
}
const refusing = (field: string): Refusing => ({
  field,
  refuse: (message) => {
    throw new Invalid(`${field}: ${message}`, { field });
  },
  tooLarge: (message) => {
    throw new TooLarge(`${field}: ${message}`, { field });
  },
});

/** As it is published: `./a/b` is `a/b`. Null for a folder. What leads out is refused, not mended. */
function pathOf(name: string, { refuse }: Refusing): string | null {
  const shown = JSON.stringify(name.slice(0, 200));
  if (name.startsWith('/') || /^[A-Za-z]:/.test(name) || name.includes('\\')) refuse(`${shown} is not a relative path`);
  const parts = name.split('/').filter((part, at) => part !== '.' || at > 0);
  if (parts.includes('..')) refuse(`${shown} leads out of the archive`);
  if (parts.at(-1) === '') return null;
  return parts.join('/');
}

const isGzip = (a: Buffer): boolean => a.subarray(0, 2).toString('hex') === '1f8b';
const isZip = (a: Buffer): boolean => ['504b0304', '504b0506'].includes(a.subarray(0, 4).toString('hex'));
const isTar = (a: Buffer): boolean => a.length >= 512 && a.subarray(257, 262).toString('latin1') === 'ustar';

/** The tar itself, never more of it than a site can have: what unpacks to more is stopped while it unpacks. */
async function* unpacked(archive: Buffer, r: Refusing): AsyncIterable<Buffer> {
  const source = Readable.from([archive]);
  const stream = isGzip(archive) ? source.pipe(createGunzip()) : source;
  let total = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      // Checked here too: the parser would unpack a gzip within the gzip by itself, and nobody would count.
      if (total === 0 && !isTar(chunk)) r.refuse('the archive holds no tar');
      total += chunk.length;
      if (total > mostUnpacked) r.tooLarge(`unpacks to more than ${treeLimits.bytes} bytes`);
      yield chunk;
    }
    if (total === 0) r.refuse('the archive holds no tar');
  } catch (e) {
    unreadable(e, r);
  } finally {
    stream.destroy();
  }
}

function unreadable(e: unknown, { refuse }: Refusing): never {
  if (e instanceof DomainError) throw e;
  return refuse(`the archive can't be read: ${(e as Error).message}`);
}

/**
 * What fails in the middle of a file is the archive's fault as well. It is opened when it is read: it would fail before
 * that too, and nobody would listen.
 */
async function* unzipped(zip: ZipFile, entry: Entry, r: Refusing): AsyncIterable<Buffer> {
  try {
    yield* (await zip.openReadStreamPromise(entry)) as AsyncIterable<Buffer>;
  } catch (e) {
    unreadable(e, r);
  }
}

const tarFiles = new Set(['File', 'OldFile', 'ContiguousFile']);

async function* ofTar(archive: Buffer, r: Refusing): AsyncIterable<TreeFile> {
  const done: TreeFile[] = [];
  const failed: { first: Error | null } = { first: null };
  let entries = 0;
  let open = 0;
  let over = false;
  const take = (entry: ReadEntry): void => {
    entries += 1;
    if (entries > mostEntries) r.tooLarge(`holds more than ${treeLimits.files} files`);
    if (entry.type === 'SymbolicLink' || entry.type === 'Link') r.refuse(`${entry.path} is a link`);
    const path = pathOf(entry.path, r);
    if (entry.type === 'Directory' || path === null) return void entry.resume();
    if (!tarFiles.has(entry.type)) r.refuse(`${path} is not a file`);
    const chunks: Buffer[] = [];
    open += 1;
    entry.on('data', (chunk: Buffer) => void chunks.push(chunk));
    entry.on('end', () => {
      open -= 1;
      done.push({ path, bytes: Readable.from(chunks) });
    });
  };
  const parser = new Parser({
    strict: true,
    onReadEntry: (entry) => {
      try {
        take(entry);
      } catch (e) {
        failed.first ??= e as Error;
        entry.resume();
      }
    },
  });
  const say = (e: Error): void => {
    failed.first ??= new Invalid(`${r.field}: the archive can't be read: ${e.message}`, { field: r.field });
  };
  parser.on('error', say);
  parser.on('eof', () => void (over = true));
  parser.on('ignoredEntry', (entry: ReadEntry) => {
    say(new Error(`it has something of type ${entry.type} that is no file`));
  });
  for await (const chunk of unpacked(archive, r)) {
    parser.write(chunk);
    if (failed.first) throw failed.first;
    while (done.length > 0) yield done.shift() as TreeFile;
    if (over) break; // what comes behind a tar's end is nobody's, and the parser would only pile it up
  }
  parser.end();
  await nextTurn(); // what it says of the end, it says by then
  if (open > 0) say(new Error('it ends in the middle of a file'));
  if (failed.first) throw failed.first;
  yield* done;
}

const formats = { file: 0o100000, folder: 0o040000, link: 0o120000, mask: 0o170000 };

function zipPath(entry: Entry, r: Refusing): string | null {
  const path = pathOf(entry.fileName, r);
  const format = (entry.externalFileAttributes >>> 16) & formats.mask;
  if (format === formats.link) r.refuse(`${entry.fileName} is a link`);
  if (![0, formats.file, formats.folder].includes(format)) r.refuse(`${entry.fileName} is not a file`);
  if (entry.isEncrypted()) r.refuse(`${entry.fileName} is encrypted`);
  return format === formats.folder ? null : path;
}

async function* ofZip(archive: Buffer, r: Refusing): AsyncIterable<TreeFile> {
  try {
    const zip = await fromBufferPromise(archive, {
      lazyEntries: true,
      strictFileNames: true,
      validateEntrySizes: true,
    });
    if (zip.entryCount > mostEntries) r.tooLarge(`holds more than ${treeLimits.files} files`);
    let said = 0;
    for await (const entry of zip.eachEntry()) {
      said += entry.uncompressedSize;
      // What it says is checked before anything is unpacked, and held to it while it is: a reader that gets more fails.
      if (said > treeLimits.bytes) r.tooLarge(`unpacks to more than ${treeLimits.bytes} bytes`);
      const path = zipPath(entry, r);
      if (path === null) continue;
      yield { path, bytes: unzipped(zip, entry, r) };
    }
  } catch (e) {
    unreadable(e, r);
  }
}

/**
 * The files of a tar, a gzipped tar or a zip, told apart by their first bytes: no links, nothing that is no file, no path
 * that leads out, and never more unpacked than a site may have. @throws Invalid, TooLarge, naming `field`
 */
export function archiveFiles(archive: Buffer, field: string): AsyncIterable<TreeFile> {
  const r = refusing(field);
  if (isZip(archive)) return ofZip(archive, r);
  if (isGzip(archive) || isTar(archive)) return ofTar(archive, r);
  return r.refuse('is no archive: a tar, a gzipped tar or a zip');
}
