import { join } from 'node:path';
import { runner } from 'node-pg-migrate';
import { root } from '../config';

/** As node-pg-migrate says that a file comes before one that the database has had. */
const outOfOrder = /^Not run migration (\S+) is preceding already run migration (\S+)/;

/**
 * Forward only; two at once wait for each other. `databaseUrl` is the owner's.
 * @throws Error that says what to do about a migration that is older than one that was run; nothing was changed then
 */
export async function migrate(databaseUrl: string, dir = join(root, 'migrations')): Promise<void> {
  const applied = runner({
    databaseUrl,
    dir,
    direction: 'up',
    migrationsTable: 'migrations',
    checkOrder: true,
    singleTransaction: true,
    log: () => undefined,
  });
  await applied.catch((cause: Error) => {
    const [, missing, latest] = outOfOrder.exec(cause.message) ?? [];
    if (!missing) throw cause;
    throw new Error(
      `The database has ${latest}, and not ${missing}, which comes before it: nothing was changed. ` +
        `Run the version that the database was brought up to date with; if ${missing} is new, give it a number after the last.`,
      { cause },
    );
  });
}
