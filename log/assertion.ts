import { SignJWT, jwtVerify } from 'jose';
import { z } from 'zod';
import { actorKinds, type Actor } from '../domain/principal';
import type { Keyring } from './keys';

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
});
const audience = 'wheelhouse:gate';

/** Good for ten minutes: longer than any Update waits for a worker that is being replaced. */
export function signAssertion(keyring: Keyring, assertion: Assertion): Promise<string> {
  const key = keyring.current('assertion');
  return new SignJWT({ ...assertion })
    .setProtectedHeader({ alg: 'EdDSA', kid: key.fingerprint })
    .setAudience(audience)
    .setIssuedAt()
    .setExpirationTime('10m')
    .sign(key.privateKey);
}

/** Null for anything but an assertion of ours that is still good. */
export async function readAssertion(keyring: Keyring, token: string): Promise<Assertion | null> {
  try {
    const { payload } = await jwtVerify(
      token,
      ({ kid }) => {
        const key = kid ? keyring.find(kid) : null;
        if (key?.purpose !== 'assertion') throw new Error('unknown key');
        return key.key;
      },
      { audience, algorithms: ['EdDSA'] },
    );
    return Claims.parse(payload);
  } catch {
    return null; // forged, expired or malformed: the caller treats all three as unproven
  }
}
