import { join } from 'node:path';
import { runner } from 'node-pg-migrate';
import { root } from '../config';

/** Forward only; two at once wait for each other. `databaseUrl` is the owner's. */
export async function migrate(databaseUrl: string): Promise<void> {
  await runner({
    databaseUrl,
    dir: join(root, 'migrations'),
    direction: 'up',
    migrationsTable: 'migrations',
    checkOrder: true,
    singleTransaction: true,
    log: () => undefined,
  });
}
