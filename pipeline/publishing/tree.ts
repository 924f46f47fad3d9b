import { constants } from 'node:fs';
import { lstat, open, readdir, realpath } from 'node:fs/promises';
import { extname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { Invalid, TooLarge } from '../../domain/errors';
import { errnoOf } from '../errno';

/** What may be published: as much as people read, in types that browsers show. */
export const treeLimits = { files: 200, folders: 200, bytes: 25 * 1024 * 1024, path: 300 } as const;

const webTypes = new Set(
  'html htm css js mjs json txt md png jpg jpeg gif svg webp avif ico woff woff2 ttf otf eot'.split(' '),
);

/** A file of a tree, on its way: its bytes are read once, and before the next file is asked for. */
export interface TreeFile {
  /** With `/`, and with nothing before its first name. */
  path: string;
  bytes: AsyncIterable<Buffer>;
}

const refuseAt =
  (field: string) =>
  (message: string): never => {
    throw new Invalid(`${field}: ${message}`, { field });
  };
const refuse: (message: string) => never = refuseAt('source_dir');

const missing = (e: unknown): boolean => errnoOf(e) === 'ENOENT' || errnoOf(e) === 'ENOTDIR';

/** The real folder below `root` that `dir` names. @throws Invalid when it is elsewhere, or reached through a link */
async function folderIn(root: string, dir: string): Promise<string> {
  const home = await realpath(root);
  const wanted = resolve(home, dir);
  const way = relative(home, wanted);
  if (way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way)) refuse('leads out of the work folder');
  try {
    if ((await realpath(wanted)) !== wanted) refuse('leads through a symbolic link');
    if (!(await lstat(wanted)).isDirectory()) refuse('is not a folder');
  } catch (e) {
    if (missing(e)) refuse('there is no such folder');
    throw e;
  }
  return wanted;
}

function assertName(path: string, name: string, refuse: (message: string) => never): void {
  const odd = name === '' || [...name].some((c) => c < ' ' || c === '\\');
  if (odd || name.startsWith('.')) refuse(`${JSON.stringify(path)} has a name that is not published`);
}

/** Longer ones nobody types, and no table keeps well. */
function assertLength(path: string, refuse: (message: string) => never): void {
  if (path.length > treeLimits.path)
    refuse(`${JSON.stringify(path.slice(0, 60))}… is a path of more than ${treeLimits.path} characters`);
}

/** The folders above a file: `a`, `a/b` of `a/b/c.html`. */
const above = (path: string): string[] => {
  const names = path.split('/').slice(0, -1);
  return names.map((_, i) => names.slice(0, i + 1).join('/'));
};

const isWeb = (name: string): boolean => webTypes.has(extname(name).slice(1).toLowerCase());

/** Relative paths of all files, in order. Stops at the first thing that is not published. */
async function filesOf(folder: string): Promise<string[]> {
  const files: string[] = [];
  const folders = [''];
  for (let at = folders.shift(); at !== undefined; at = folders.shift()) {
    for (const found of await readdir(join(folder, at), { withFileTypes: true })) {
      const path = at === '' ? found.name : `${at}/${found.name}`;
      assertName(path, found.name, refuse);
      assertLength(path, refuse);
      if (found.isSymbolicLink()) refuse(`${path} is a symbolic link`);
      if (found.isDirectory()) folders.push(path);
      else if (!found.isFile()) refuse(`${path} is not a file`);
      else if (!isWeb(found.name)) refuse(`${path} is not of a type that is published`);
      else files.push(path);
      if (files.length > treeLimits.files || folders.length > treeLimits.folders) {
        throw new TooLarge(`source_dir: holds more than ${treeLimits.files} files`, { field: 'source_dir' });
      }
    }
  }
  if (!files.includes('index.html')) refuse('holds no index.html');
  return files.sort();
}

/** One file's bytes, provided that it still is the one that stands at this path without any link. */
async function* bytesOf(from: string, most: number): AsyncIterable<Buffer> {
  // O_NOFOLLOW, and the comparison below, for whoever changes the tree while it is read.
  const source = await open(from, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    (e: unknown) => {
      throw errnoOf(e) === 'ELOOP' ? new Invalid('source_dir: a file became a symbolic link') : e;
    },
  );
  try {
    const opened = await source.stat();
    const standing = await lstat(from);
    if (
      !opened.isFile() ||
      opened.ino !== standing.ino ||
      opened.dev !== standing.dev ||
      (await realpath(from)) !== from
    ) {
      refuse('was changed while it was read');
    }
    if (opened.size > most) tooLarge();
    let size = 0;
    for await (const chunk of source.createReadStream({ autoClose: false }) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > most) tooLarge();
      yield chunk;
    }
  } finally {
    await source.close();
  }
}

const tooLarge = (): never => {
  throw new TooLarge(`source_dir: holds more than ${treeLimits.bytes} bytes`, { field: 'source_dir' });
};

/**
 * The files of a static tree: index.html at its root, web file types only, no links, no way out of `root`, bounded in
 * number and size. @throws Invalid, TooLarge
 */
export async function* treeFiles(source: { root: string; dir: string }): AsyncIterable<TreeFile> {
  const folder = await folderIn(source.root, source.dir);
  let left: number = treeLimits.bytes;
  async function* counted(bytes: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
    for await (const chunk of bytes) {
      left -= chunk.length;
      yield chunk;
    }
  }
  for (const path of await filesOf(folder)) yield { path, bytes: counted(bytesOf(join(folder, path), left)) };
}

/** `site/docs` of `./site/docs/`; the root is ''. */
const folderName = (dir: string): string =>
  dir
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');

/**
 * What of a tree that came otherwise (an archive, a list of files) is below `dir`, held to the same as a folder's: names,
 * types, number, size, and index.html at its root. `field` is what a refusal names. @throws Invalid, TooLarge
 */
export async function* publishable(tree: AsyncIterable<TreeFile>, field: string, dir = '.'): AsyncIterable<TreeFile> {
  const refuse: (message: string) => never = refuseAt(field);
  const below = folderName(dir);
  const seen = new Set<string>();
  const folders = new Set<string>();
  let left: number = treeLimits.bytes;
  async function* counted(bytes: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
    for await (const chunk of bytes) {
      left -= chunk.length;
      if (left < 0) throw new TooLarge(`${field}: holds more than ${treeLimits.bytes} bytes`, { field });
      yield chunk;
    }
  }
  for await (const { path: whole, bytes } of tree) {
    if (below !== '' && !whole.startsWith(`${below}/`)) continue;
    const path = below === '' ? whole : whole.slice(below.length + 1);
    assertLength(path, refuse);
    for (const name of path.split('/')) assertName(path, name, refuse);
    if (!isWeb(path)) refuse(`${path} is not of a type that is published`);
    if (seen.has(path)) refuse(`${path} is there twice`);
    seen.add(path);
    for (const folder of above(path)) folders.add(folder);
    const both = [path, ...above(path)].find((p) => seen.has(p) && folders.has(p));
    if (both !== undefined) refuse(`${both} is a file, and a folder`);
    if (seen.size > treeLimits.files)
      throw new TooLarge(`${field}: holds more than ${treeLimits.files} files`, { field });
    yield { path, bytes: counted(bytes) };
  }
  if (!seen.has('index.html')) refuse('holds no index.html');
}
