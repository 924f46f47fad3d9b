import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config';

/** Appears whole, and readable by its owner alone. */
export function writePrivately(path: string, text: string): void {
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, text, { mode: 0o600 });
  renameSync(temporary, path);
}

/** A secret of this installation, made at its first use and kept beside its data. */
export function secret(dataDir: string, name: string, encoding: 'base64' | 'base64url', bytes: number): string {
  const path = join(dataDir, name);
  if (!existsSync(path)) writePrivately(path, `${randomBytes(bytes).toString(encoding)}\n`);
  return readFileSync(path, 'utf8').trim();
}

/** What encrypts signing keys and leased secrets: the environment's, else this installation's own. */
export function masterKeyOf(config: Config): Buffer {
  return config.masterKey ?? Buffer.from(secret(config.dataDir, 'master.key', 'base64', 32), 'base64');
}
