import { z } from 'zod';
import { actorKinds, type Actor } from '../domain/principal';
import { verifyText, type Keyring } from './keys';

/** Who decided what, in the API's own signed words: what the recording activity checks before it believes a name. */
export interface Assertion {
  by: Actor;
  tenantId: string;
  gateId: string;
  verdict: 'approve' | 'reject' | 'complete';
  /** The gate's digest: what is approved is exactly what was shown. */
  digest: string | null;
}

const Claims = z.object({
  by: z.object({ id: z.string().nullable(), kind: z.enum(actorKinds), name: z.string() }),
  tenantId: z.string(),
  gateId: z.string(),
  verdict: z.enum(['approve', 'reject', 'complete']),
  digest: z.string().nullable(),
  /** s since 1970. */
  until: z.int(),
});

/** Longer than any Update waits for a worker that is being replaced. */
const goodForS = 600;

/**
 * The key's name, the claims and an Ed25519 signature over both, in base64url with dots between. Nobody outside reads one,
 * and the key signs nothing else: so it needs no more of a form, and no library that signs on another thread.
 */
export function signAssertion(keyring: Keyring, assertion: Assertion): string {
  const claims = { ...assertion, until: Math.floor(Date.now() / 1000) + goodForS };
  const said = `${keyring.current('assertion').fingerprint}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`;
  return `${said}.${keyring.sign('assertion', said).signature}`;
}

/** Null for anything but an assertion of ours that is still good: forged, expired and malformed all are unproven. */
export function readAssertion(keyring: Keyring, token: string): Assertion | null {
  const [fingerprint = '', claims = '', signature = '', ...more] = token.split('.');
  const key = keyring.find(fingerprint);
  if (more.length || key?.purpose !== 'assertion' || key.fingerprint !== fingerprint) return null;
  if (!verifyText(key.key, `${fingerprint}.${claims}`, signature)) return null;
  const { until, ...assertion } = Claims.parse(JSON.parse(Buffer.from(claims, 'base64url').toString()));
  return until > Date.now() / 1000 ? assertion : null;
}
