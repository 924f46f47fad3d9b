import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { embeddedPostgres } from '../cli/embedded-postgres';
import { freePorts } from '../cli/free-port';
import { Supervisor } from '../cli/supervise';
import { migrate } from '../db/migrate';
import { provisionTenant } from '../log/provision';

/** A durable Postgres as `npm start` runs it, migrated, with one tenant in it, and nothing else around it. */
export interface Database {
  /** The owner's, a superuser. */
  url: string;
  tenantId: string;
  /** Base64. */
  masterKey: string;
  /** Its first line is the server's process id. */
  pidFile: string;
}

export async function withPostgres<T>(work: (database: Database) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'wheelhouse-bench-'));
  chmodSync(folder, 0o711);
  const supervisor = new Supervisor((line) => process.stderr.write(`${line}\n`));
  supervisor.removeWhenKilled(folder);
  try {
    const [port = 0] = await freePorts(1);
    const { program, url } = await embeddedPostgres({ dataDir: folder, port, durable: true });
    await supervisor.start(program);
    await migrate(url);
    const masterKey = randomBytes(32);
    const { tenantId } = await provisionTenant(url, {
      slug: 'local', fourEyes: 'strict', operatorSignals: false, adminEmail: 'admin@local.test', adminPassword: 'unused-password', masterKey, apiKey: null,
    }); // prettier-ignore
    return await work({
      url,
      tenantId,
      masterKey: masterKey.toString('base64'),
      pidFile: join(folder, 'postgres/postmaster.pid'),
    });
  } finally {
    await supervisor.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
