import { randomBytes } from 'node:crypto';
import type { CredentialProvider } from '../../../domain/credentials';

/**
 * The lease's row is all there is of the credential: a secret that was made and not stored is nobody's, and what is not in
 * the row any more is dead.
 */
export const embeddedCredentials: CredentialProvider = {
  grant: () => Promise.resolve({ secret: randomBytes(32).toString('base64url') }),
  revoke: () => Promise.resolve(),
};
