import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import { secretsOf, subjectsNamed } from '../db/personal';
import type { Read } from '../db/tx';
import type { Actor } from '../domain/principal';
import { erasedName, sealForm } from '../domain/personal';
import { canonical } from './canonical';
import type { Said } from './chain';
import type { Keyring } from './keys';
import { perOwner } from './shared';

// Addresses of a tenant's users stand in its log sealed, each under its user's own key: hashes, receipts and proofs are over the
// seal, so they hold when the key is shredded and nobody can read it any more (docs/erasure.md).

type Keys = Pick<Keyring, 'personalKey'>;
const about = (tenantId: string, userId: string): Buffer => Buffer.from(`${tenantId}:${userId}`);

/** The same text gets the same seal: the nonce follows from both, so none is used for two texts. */
function sealText(key: Buffer, tenantId: string, userId: string, text: string): string {
  const nonce = createHmac('sha256', key).update(`nonce\n${tenantId}\n${text}`).digest().subarray(0, 12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(about(tenantId, userId));
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return `sealed(${userId}.${Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url')})`;
}

/** Null: no seal of this key. */
function openText(key: Buffer, tenantId: string, userId: string, seal: string): string | null {
  const bytes = Buffer.from(seal, 'base64url');
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12)).setAAD(about(tenantId, userId));
  decipher.setAuthTag(bytes.subarray(12, 28));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
  } catch {
    return null;
  }
}

/** What may be an address, in plain text and in JSON alike: what JSON escapes is passed over. */
const addresses = /\\(?:u[0-9a-f]{4}|.)|([\p{L}\p{N}._'+-]{1,64}@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)*)/gu;

const mostKnown = 10_000;
/** An address may be given to somebody else once its user was erased. */
const knownMs = 60_000;

/** Seals by tenant and address as it is written. */
type Known = Map<string, { seal: string; at: number }>;
const knownTo = perOwner((_keys: Keys): Known => new Map());

type Saying = Said & { by: Actor };

/** The seals of what those texts say, by address as it is written; those of nobody have none. */
async function sealsOf(tx: Read, keys: Keys, entries: readonly Saying[]) {
  const known = knownTo(keys);
  const seals = new Map<string, string>();
  const unknown = new Set<string>();
  const actors = new Map<string, string>();
  const now = Date.now();
  const met = (address: string): void => {
    if (seals.has(address) || unknown.has(address)) return;
    const one = known.get(`${tx.tenantId}\n${address}`);
    if (one && now - one.at < knownMs) seals.set(address, one.seal);
    else unknown.add(address);
  };
  for (const { by, reason, body } of entries) {
    if (by.kind === 'user' && by.id !== null && by.name.includes('@')) {
      met(by.name);
      actors.set(by.name, by.id);
    }
    for (const text of [reason ?? '', body]) {
      if (text.includes('@'))
        for (const [, address] of text.matchAll(addresses)) if (address !== undefined) met(address);
    }
  }
  if (unknown.size === 0) return seals;
  const asked = [...unknown];
  const found = await subjectsNamed(tx, asked.map((a) => a.toLowerCase()), [...actors.values()]); // prettier-ignore
  const byEmail = new Map(found.map((s) => [s.email, s]));
  const erased = new Set(found.filter((s) => s.secret === null).map((s) => s.id));
  if (known.size > mostKnown) known.clear();
  for (const address of asked) {
    const subject = byEmail.get(address.toLowerCase());
    const actor = actors.get(address);
    if (subject?.secret) {
      const seal = sealText(keys.personalKey(subject.secret), tx.tenantId, subject.id, address);
      seals.set(address, seal);
      if (!subject.isFresh) known.set(`${tx.tenantId}\n${address}`, { seal, at: now });
    } else if (actor !== undefined && erased.has(actor)) seals.set(address, erasedName(actor));
  }
  return seals;
}

/** Seals what entries say of the tenant's users, in place, before they are hashed. One without an address costs a look for an @. */
export async function sealPersons(tx: Read, keys: Keys, entries: readonly Saying[]): Promise<void> {
  const naming = entries.filter((e) => e.by.name.includes('@') || e.body.includes('@') || e.reason?.includes('@'));
  if (naming.length === 0) return;
  const seals = await sealsOf(tx, keys, naming);
  if (seals.size === 0) return;
  const within = (text: string): string =>
    text.replace(addresses, (all, address: string | undefined) => (address && seals.get(address)) ?? all);
  for (const e of naming) {
    if (seals.has(e.by.name)) e.actor = canonical({ ...e.by, name: seals.get(e.by.name) });
    if (e.reason !== null) e.reason = within(e.reason);
    const body = within(e.body);
    if (body !== e.body) e.body = canonical(JSON.parse(body)); // an address may be a name in it, and those are in order
  }
}

/**
 * What was read from the log, as its writers said it: for those who were erased, the marker. `value` is anything that is JSON;
 * without a seal it comes back as it is.
 */
export async function reveal<T>(tx: Read, keys: Keys, value: T): Promise<T> {
  const text = JSON.stringify(value);
  const ids = new Set(Array.from(text.matchAll(sealForm), ([, id = '']) => id));
  if (ids.size === 0) return value;
  const secrets = await secretsOf(tx, [...ids]);
  const opened = text.replace(sealForm, (all, id: string, seal: string) => {
    const secret = secrets.get(id);
    if (!secret) return erasedName(id);
    const plain = openText(keys.personalKey(secret), tx.tenantId, id, seal);
    return plain === null ? all : JSON.stringify(plain).slice(1, -1);
  });
  return JSON.parse(opened) as T;
}
