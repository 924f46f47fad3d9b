import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, mkdir, open, readdir, realpath } from 'node:fs/promises';
import { dirname, extname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { Invalid, TooLarge } from '../../domain/errors';
import { digestOf } from '../../log/canonical';
import { errnoOf } from '../errno';

/** What may be published: as much as people read, in types that browsers show. */
const treeLimits = { files: 200, bytes: 25 * 1024 * 1024 } as const;
const maxFolders = 200;

const webTypes = new Set(
  'html htm css js mjs json txt md png jpg jpeg gif svg webp avif ico woff woff2 ttf otf eot'.split(' '),
);

export interface TreeSummary {
  fileCount: number;
  totalBytes: number;
  /** sha256 over the canonical list of paths and their sha256. */
  digest: string;
}

const refuse = (message: string): never => {
  throw new Invalid(`source_dir: ${message}`, { field: 'source_dir' });
};

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

function assertPublishable(path: string, name: string): void {
  const odd = [...name].some((c) => c < ' ' || c === '\\');
  if (odd || name.startsWith('.')) refuse(`${JSON.stringify(path)} has a name that is not published`);
}

/** Relative paths of all files, in order. Stops at the first thing that is not published. */
async function filesOf(folder: string): Promise<string[]> {
  const files: string[] = [];
  const folders = [''];
  for (let at = folders.shift(); at !== undefined; at = folders.shift()) {
    for (const found of await readdir(join(folder, at), { withFileTypes: true })) {
      const path = at === '' ? found.name : `${at}/${found.name}`;
      assertPublishable(path, found.name);
      if (found.isSymbolicLink()) refuse(`${path} is a symbolic link`);
      if (found.isDirectory()) folders.push(path);
      else if (!found.isFile()) refuse(`${path} is not a file`);
      else if (!webTypes.has(extname(found.name).slice(1).toLowerCase()))
        refuse(`${path} is not of a type that is published`);
      else files.push(path);
      if (files.length > treeLimits.files || folders.length > maxFolders) {
        throw new TooLarge(`source_dir: holds more than ${treeLimits.files} files`, { field: 'source_dir' });
      }
    }
  }
  if (!files.includes('index.html')) refuse('holds no index.html');
  return files.sort();
}

/** Copies one file, provided that it still is the one that stands at this path without any link. Answers its size. */
async function copyFile(from: string, to: string, most: number): Promise<number> {
  // O_NOFOLLOW, and the comparison below, for whoever changes the tree while it is read.
  const source = await open(from, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    (e: unknown) => {
      throw errnoOf(e) === 'ELOOP' ? new Invalid(`source_dir: ${from} is a symbolic link`) : e;
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
    await mkdir(dirname(to), { recursive: true });
    const target = await open(to, 'wx', 0o644);
    try {
      let size = 0;
      for await (const chunk of source.createReadStream({ autoClose: false }) as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (size > most) tooLarge();
        await target.write(chunk);
      }
      await target.sync();
      return size;
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

const tooLarge = (): never => {
  throw new TooLarge(`source_dir: holds more than ${treeLimits.bytes} bytes`, { field: 'source_dir' });
};

/**
 * Copies a static tree: index.html at its root, web file types only, no links, no way out of `root`, bounded in number
 * and size. @throws Invalid, TooLarge
 */
export async function copyTree(source: { root: string; dir: string }, to: string): Promise<void> {
  const folder = await folderIn(source.root, source.dir);
  let left: number = treeLimits.bytes;
  for (const path of await filesOf(folder)) left -= await copyFile(join(folder, path), join(to, path), left);
}

/** What stands in a folder that we made; null when there is none. */
export async function summarise(folder: string): Promise<TreeSummary | null> {
  const found = await readdir(folder, { withFileTypes: true, recursive: true }).catch((e: unknown) => {
    if (missing(e)) return null;
    throw e;
  });
  if (found === null) return null;
  const paths = found.filter((f) => f.isFile()).map((f) => relative(folder, join(f.parentPath, f.name)));
  const files: { path: string; sha256: string }[] = [];
  let totalBytes = 0;
  for (const path of paths.sort()) {
    const hash = createHash('sha256');
    const file = await open(join(folder, path));
    try {
      for await (const chunk of file.createReadStream({ autoClose: false }) as AsyncIterable<Buffer>) {
        totalBytes += chunk.length;
        hash.update(chunk);
      }
    } finally {
      await file.close();
    }
    files.push({ path, sha256: hash.digest('hex') });
  }
  return { fileCount: files.length, totalBytes, digest: digestOf(files) };
}
