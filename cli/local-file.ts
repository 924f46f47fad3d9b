import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Config } from '../config';
import { isTaken } from './data-dir';
import { writePrivately } from './secrets';

const Local = z.object({
  url: z.string(),
  tenant_id: z.string(),
  /** An API key of the administrator, with every scope. */
  token: z.string(),
  metrics_token: z.string(),
  /** Null when the Temporal server is somebody else's, and TEMPORAL_UI_URL does not say. */
  temporal_ui: z.string().nullable(),
  temporal_address: z.string(),
  database_url: z.string(),
  admin: z.object({ email: z.string(), password: z.string() }),
});

/** Where a running installation is and how to get in: for people, scripts and the commands of this CLI. */
export type Local = z.infer<typeof Local>;

export function localFile(dataDir: string): string {
  return join(dataDir, 'local.json');
}

/** Null before the first start; of a server that has stopped it is there still. */
export function readLocal(dataDir: string): Local | null {
  const path = localFile(dataDir);
  return existsSync(path) ? Local.parse(JSON.parse(readFileSync(path, 'utf8'))) : null;
}

export function writeLocal(dataDir: string, local: Local): void {
  writePrivately(localFile(dataDir), `${JSON.stringify(local, null, 2)}\n`);
}

/** Null while none runs on that data directory. */
export async function runningLocal(dataDir: string): Promise<Local | null> {
  return (await isTaken(dataDir)) ? readLocal(dataDir) : null;
}

export const notRunning = 'No running server is known: run `npm start` first, in another terminal';

/** The database that a command works on: DATABASE_URL, else that of the running installation. */
export async function databaseOf(config: Config): Promise<string> {
  const url = config.databaseUrl ?? (await runningLocal(config.dataDir))?.database_url;
  if (!url) throw new Error(`${notRunning}, or set DATABASE_URL.`);
  return url;
}
