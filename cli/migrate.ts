import type { Config } from '../config';
import { migrate } from '../db/migrate';
import { databaseOf } from './local-file';
import { registerSearchAttributes } from './search-attributes';

/** What has to be done once before a new version's API and workers start. Safe to repeat. */
export async function migrateAll(config: Config): Promise<void> {
  const report = (line: string) => process.stdout.write(`${line}\n`);
  await migrate(await databaseOf(config));
  report('The database is up to date.');
  if (config.temporalAddress) await registerSearchAttributes(report);
}
