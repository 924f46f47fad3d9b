import type { Logger } from 'pino';
import type { Config } from '../config';
import { appPool } from '../db/pool';
import { diskFiles } from './files-disk';
import { s3Files } from './files-s3';
import { loadKeyring } from './keys';
import { createStore } from './store';

/** What API and worker both stand on. @throws Error naming the setting that is missing */
export async function openKernel(config: Config, logger: Logger) {
  if (!config.databaseUrl) throw new Error('DATABASE_URL is not set: run `npm start`, or set it');
  if (!config.masterKey) throw new Error('WHEELHOUSE_MASTER_KEY is not set: run `npm start`, or set it');
  const pool = appPool(config.databaseUrl, config.databasePool, (e) =>
    logger.warn({ err: e }, 'a database connection broke'),
  );
  const keyring = await loadKeyring(pool, config.masterKey);
  return {
    pool,
    keyring,
    store: createStore(pool, keyring),
    files: config.files.s3 ? await s3Files(config.files.s3) : diskFiles(config.dataDir),
    masterKey: config.masterKey,
  };
}
