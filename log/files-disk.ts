import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
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
        for await (const chunk of coming.bytes) await file.write(chunk);
        await file.sync();
        const facts = await coming.facts();
        const keep = async (): Promise<void> => {
          const again = `${temporary}.keep`;
          await rm(again, { force: true });
          await link(temporary, again);
          await rename(again, pathOf(tenantId, facts.sha256));
          await rm(again, { force: true }); // a rename onto the same file leaves both names
          await syncFolder(folder);
        };
        return { ...facts, keep, discard };
      } catch (e) {
        await discard();
        throw e;
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
