import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { TooLarge } from '../domain/errors';

/** Bytes that people attach, by tenant and content. A file is whole and on disk before its row is written. */
export interface FileStore {
  /** @throws TooLarge past `maxBytes`; nothing is kept then. */
  put(tenantId: string, bytes: AsyncIterable<Buffer>, maxBytes: number): Promise<{ sha256: string; sizeBytes: number }>;
  path(tenantId: string, sha256: string): string;
  open(tenantId: string, sha256: string): NodeJS.ReadableStream;
}

export function fileStore(dataDir: string): FileStore {
  const folder = (tenantId: string): string => join(dataDir, 'files', tenantId);
  const path = (tenantId: string, sha256: string): string => {
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw new TypeError('not a sha256');
    return join(folder(tenantId), sha256);
  };
  return {
    path,
    open: (tenantId, sha256) => createReadStream(path(tenantId, sha256)),
    async put(tenantId, bytes, maxBytes) {
      await mkdir(folder(tenantId), { recursive: true, mode: 0o700 });
      const temporary = join(folder(tenantId), `.incoming-${randomUUID()}`);
      const file = await open(temporary, 'wx', 0o600);
      try {
        const hash = createHash('sha256');
        let sizeBytes = 0;
        for await (const chunk of bytes) {
          sizeBytes += chunk.length;
          if (sizeBytes > maxBytes) throw new TooLarge(`file: larger than ${maxBytes} bytes`, { field: 'file' });
          hash.update(chunk);
          await file.write(chunk);
        }
        await file.sync();
        const sha256 = hash.digest('hex');
        await rename(temporary, path(tenantId, sha256));
        return { sha256, sizeBytes };
      } finally {
        await file.close();
        await rm(temporary, { force: true });
      }
    },
  };
}
