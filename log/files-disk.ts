import { createHash, randomUUID } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Unavailable } from '../domain/errors';
import { intake, isSha256, isTenantId, type FileStore } from './files';

const arriving = '.incoming-';
const pageSize = 500;

const missing = (e: unknown): boolean => (e as { code?: unknown }).code === 'ENOENT';
const noneIfMissing = <T>(none: T) => (e: unknown): T => {
  if (missing(e)) return none;
  throw e;
}; // prettier-ignore

/** So that a name outlives the power: a file's own sync is about its bytes alone. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Whether what stands there is what its name says. */
async function isWhole(path: string, sha256: string): Promise<boolean> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) hash.update(chunk);
  } catch (e) {
    if (missing(e)) return false;
    throw e;
  }
  return hash.digest('hex') === sha256;
}

/** A disk that is full, or takes no more of this file, may do so later; what else is wrong stays what it is. */
function trouble(e: unknown): unknown {
  if (!['ENOSPC', 'EDQUOT', 'EFBIG'].includes(String((e as { code?: unknown }).code))) return e;
  return Object.assign(partly(), { cause: e });
}
const partly = (): Unavailable =>
  new Unavailable('the disk did not take the whole file: repeat the request', { retry: true });

/** Files below `<dataDir>/files/<tenant>/`, which every process of the installation sees. */
export function diskFiles(dataDir: string): FileStore {
  const root = join(dataDir, 'files');
  const folderOf = (tenantId: string): string => {
    if (!isTenantId(tenantId)) throw new TypeError('not a tenant');
    return join(root, tenantId);
  };
  const pathOf = (tenantId: string, sha256: string): string => {
    if (!isSha256(sha256)) throw new TypeError('not a sha256');
    return join(folderOf(tenantId), sha256);
  };
  const tenants = async (): Promise<string[]> => (await readdir(root).catch(noneIfMissing([]))).filter(isTenantId);
  return {
    async stage(tenantId, bytes, maxBytes) {
      const folder = folderOf(tenantId);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const temporary = join(folder, `${arriving}${randomUUID()}`);
      const discard = (): Promise<void> => rm(temporary, { force: true });
      const file = await open(temporary, 'wx', 0o600);
      try {
        const coming = intake(bytes, maxBytes);
        for await (const chunk of coming.bytes) await file.appendFile(chunk); // to its last byte: `write` may take a part
        await file.sync();
        const facts = await coming.facts();
        const { size } = await file.stat();
        if (size !== facts.sizeBytes) throw partly();
        const keep = async (): Promise<void> => {
          const standing = pathOf(tenantId, facts.sha256);
          if (!(await isWhole(standing, facts.sha256))) {
            const again = `${temporary}.keep`;
            await rm(again, { force: true });
            await link(temporary, again);
            await rename(again, standing);
            await rm(again, { force: true }); // a rename onto the same file leaves both names
          }
          await syncFolder(folder);
        };
        return { ...facts, keep, discard };
      } catch (e) {
        await discard();
        throw trouble(e);
      } finally {
        await file.close();
      }
    },

    async open(tenantId, sha256, range) {
      const flags = constants.O_RDONLY | constants.O_NOFOLLOW;
      const file = await open(pathOf(tenantId, sha256), flags).catch(noneIfMissing(null));
      return file && file.createReadStream(range ?? {});
    },

    async *list() {
      for (const tenantId of await tenants()) {
        const names = (await readdir(folderOf(tenantId))).filter(isSha256);
        for (let from = 0; from < names.length; from += pageSize) {
          const files = [];
          for (const sha256 of names.slice(from, from + pageSize)) {
            const found = await stat(pathOf(tenantId, sha256)).catch(noneIfMissing(null));
            if (found) files.push({ sha256, at: found.mtime });
          }
          yield { tenantId, files };
        }
      }
    },

    remove: (tenantId, sha256) => rm(pathOf(tenantId, sha256), { force: true }),

    async clear(before) {
      let cleared = 0;
      for (const tenantId of await tenants()) {
        for (const name of await readdir(folderOf(tenantId))) {
          if (!name.startsWith(arriving)) continue;
          const path = join(folderOf(tenantId), name);
          const found = await stat(path).catch(noneIfMissing(null));
          if (!found || found.mtime >= before) continue;
          await rm(path, { force: true });
          cleared += 1;
        }
      }
      return cleared;
    },
  };
}
