import { Client } from 'pg';
import { newKey, type KeyPurpose } from './keys';

/**
 * Has a new key sign from now on, and keeps the old one for what it signed. Runs as the database's owner; servers that run
 * take it up within five seconds (`Keyring.refresh`).
 * @returns the new key's fingerprint
 */
export async function rotateKey(databaseUrl: string, purpose: KeyPurpose, masterKey: Buffer): Promise<string> {
  const db = new Client({ connectionString: databaseUrl });
  await db.connect();
  try {
    const key = newKey(purpose, masterKey);
    await db.query('begin');
    await db.query(`select pg_advisory_xact_lock(hashtextextended('provision', 0))`);
    const { rowCount } = await db.query(
      'update signing_keys set retired_at = now() where purpose = $1 and retired_at is null',
      [purpose],
    );
    if (!rowCount) throw new Error('there is no key to rotate: start the server once first');
    await db.query(
      'insert into signing_keys (fingerprint, purpose, public_pem, private_sealed) values ($1, $2, $3, $4)',
      [key.fingerprint, purpose, key.pem, key.sealed],
    );
    await db.query('commit');
    return key.fingerprint;
  } finally {
    await db.end();
  }
}
