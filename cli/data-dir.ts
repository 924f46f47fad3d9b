import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, rmdirSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A socket's path may have about 100 bytes, less than a folder's. */
function lockPath(dataDir: string): string {
  const digest = createHash('sha256').update(dataDir).digest('hex').slice(0, 16);
  if (process.platform === 'win32') return `\\\\.\\pipe\\wheelhouse-${digest}`;
  const path = join(dataDir, 'up.sock');
  return Buffer.byteLength(path) < 100 ? path : join(tmpdir(), `wheelhouse-${digest}.sock`);
}

/** The process that listens, or null when it died and left its socket behind. */
async function holderOf(path: string): Promise<string | null> {
  const socket = connect(path).setEncoding('utf8');
  try {
    const [pid] = (await once(socket, 'data')) as [string];
    return pid;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ECONNREFUSED' || code === 'ENOENT') return null;
    throw error;
  } finally {
    socket.destroy();
  }
}

/**
 * Makes the data directory and takes it for this process alone, until it ends. A listening socket, unlike a file with a
 * pid, can't outlive who made it.
 * @returns what lets go of it, for a start that is refused before it put anything there
 * @throws Error with one line when another process has it.
 */
export async function takeDataDir(dataDir: string): Promise<() => void> {
  const isNew = mkdirSync(dataDir, { recursive: true, mode: 0o711 }) !== undefined;
  const path = lockPath(dataDir);
  for (;;) {
    const server = createServer((socket) => socket.end(String(process.pid)));
    try {
      await once(server.listen(path), 'listening');
      server.unref();
      return () => {
        server.close();
        if (isNew) rmdirSync(dataDir);
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
    const pid = await holderOf(path);
    if (pid !== null)
      throw new Error(`Wheelhouse already runs on ${dataDir} (process ${pid}): stop it, or set WHEELHOUSE_DATA_DIR.`);
    rmSync(path, { force: true });
  }
}

/** Whether a process works on it. */
export const isTaken = async (dataDir: string): Promise<boolean> => (await holderOf(lockPath(dataDir))) !== null;
