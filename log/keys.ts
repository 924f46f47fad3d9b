import {
  createCipheriv, createDecipheriv, createHash, createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign, verify,
  type KeyObject,
} from 'node:crypto'; // prettier-ignore
import type { Pool } from 'pg';
import { atMostEvery } from './shared';

export const keyPurposes = ['receipt', 'token', 'assertion'] as const;
export type KeyPurpose = (typeof keyPurposes)[number];

/** Encrypts under the installation's master key: nonce (12), tag (16), ciphertext. `about` must be the same to open it. */
export function seal(masterKey: Buffer, plain: string | Buffer, about: string): Buffer {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', masterKey, nonce).setAAD(Buffer.from(about));
  const body = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]);
}

/** @throws Error when the key or `about` is another, or the bytes were changed. */
export function unseal(masterKey: Buffer, sealed: Buffer, about: string): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', masterKey, sealed.subarray(0, 12)).setAAD(Buffer.from(about));
  decipher.setAuthTag(sealed.subarray(12, 28));
  return Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]);
}

/** The key's name: the first 32 hex digits of sha256 over the very PEM text that is handed out. */
export const fingerprintOf = (publicPem: string): string =>
  createHash('sha256').update(publicPem).digest('hex').slice(0, 32);

export interface PublicKey {
  fingerprint: string;
  purpose: KeyPurpose;
  pem: string;
  key: KeyObject;
  createdAt: Date;
  /** Since when it signs nothing any more; null: it is the current one. */
  retiredAt: Date | null;
}

export interface Keyring {
  current(purpose: KeyPurpose): PublicKey & { privateKey: KeyObject };
  /** Old keys still verify what they signed. */
  find(fingerprint: string): PublicKey | null;
  /** Every key of that purpose that there ever was, the newest first. */
  all(purpose: KeyPurpose): PublicKey[];
  /** Ed25519, base64url without padding. */
  sign(purpose: KeyPurpose, text: string): { signature: string; fingerprint: string };
  /** The key over what the log says of a user, made of their secret: without it nobody can make it again. */
  personalKey(secret: Buffer): Buffer;
  /** Looks whether keys were changed meanwhile, at most once in `refreshMs`: whoever leans on the newest asks for it first. */
  refresh(): Promise<void>;
}

const refreshMs = 5_000;

export const verifyText = (key: KeyObject, text: string, signature: string): boolean =>
  verify(null, Buffer.from(text), key, Buffer.from(signature, 'base64url'));

/** What provisioning stores for a new key; only the owner of the database may insert it. */
export function newKey(purpose: KeyPurpose, masterKey: Buffer) {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const pem = publicKey.export({ type: 'spki', format: 'pem' }) as string;
  const fingerprint = fingerprintOf(pem);
  const der = privateKey.export({ type: 'pkcs8', format: 'der' });
  return { purpose, fingerprint, pem, sealed: seal(masterKey, der, `signing-key:${fingerprint}`) };
}

/** @throws Error when a purpose has no current key, or the master key is not the one that sealed them. */
export async function loadKeyring(pool: Pool, masterKey: Buffer): Promise<Keyring> {
  const all = new Map<string, PublicKey>();
  const currents = new Map<KeyPurpose, PublicKey & { privateKey: KeyObject }>();
  const soonAgain = atMostEvery<void>(refreshMs);
  const read = (): Promise<void> => readKeys(pool, masterKey, all, currents);
  await read();
  const current = (purpose: KeyPurpose) => {
    const key = currents.get(purpose);
    if (!key) throw new Error(`no ${purpose} key: run the migrations and provision the server first`);
    return key;
  };
  keyPurposes.forEach(current);
  return {
    current,
    find: (fingerprint) => all.get(fingerprint.slice(0, 32)) ?? null,
    all: (purpose) =>
      [...all.values()]
        .filter((key) => key.purpose === purpose)
        .sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime()),
    sign: (purpose, text) => {
      const key = current(purpose);
      return {
        signature: sign(null, Buffer.from(text), key.privateKey).toString('base64url'),
        fingerprint: key.fingerprint,
      };
    },
    personalKey: (secret) => createHmac('sha256', masterKey).update('personal key\n').update(secret).digest(),
    refresh: () => soonAgain('keys', read),
  };
}

/** What there is, into the maps. */
async function readKeys(
  pool: Pool,
  masterKey: Buffer,
  all: Map<string, PublicKey>,
  currents: Map<KeyPurpose, PublicKey & { privateKey: KeyObject }>,
): Promise<void> {
  const { rows } = await pool.query<{
    fingerprint: string; purpose: KeyPurpose; public_pem: string; private_sealed: Buffer; created_at: Date; retired_at: Date | null;
  }>('select fingerprint, purpose, public_pem, private_sealed, created_at, retired_at from signing_keys'); // prettier-ignore
  for (const row of rows) {
    const known: PublicKey = {
      fingerprint: row.fingerprint,
      purpose: row.purpose,
      pem: row.public_pem,
      key: createPublicKey(row.public_pem),
      createdAt: row.created_at,
      retiredAt: row.retired_at,
    };
    all.set(known.fingerprint, known);
    if (row.retired_at) continue;
    if (currents.get(row.purpose)?.fingerprint === row.fingerprint) continue;
    let der: Buffer;
    try {
      der = unseal(masterKey, row.private_sealed, `signing-key:${row.fingerprint}`);
    } catch (cause) {
      throw new Error('WHEELHOUSE_MASTER_KEY is not the key that this database was set up with', { cause });
    }
    currents.set(row.purpose, { ...known, privateKey: createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }) });
  }
}
