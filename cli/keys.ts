import type { Config } from '../config';
import { rotateKey } from '../log/rotate';
import { databaseOf } from './local-file';
import { masterKeyOf } from './secrets';

/** Has a new key sign tokens, and prints its name. Those that the old one signed are good until they are over. */
export async function rotateTokenKey(config: Config): Promise<void> {
  process.stdout.write(`${await rotateKey(await databaseOf(config), 'token', masterKeyOf(config))}\n`);
}
