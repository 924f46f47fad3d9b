/** What the stand-in was asked and did, one line on disk each, before the answer goes out. */
export interface ProviderLine {
  /** Milliseconds since the epoch, by its own clock. */
  at: number;
  /** end: a vault was told that the lease is over; what it lent for it is revoked one by one. */
  op: 'grant' | 'revoke' | 'use' | 'end';
  lease: string;
  fence: number | null;
  /** Digest of the secret that was made, shown or revoked; null for a revocation of all that a lease has. */
  credential: string | null;
  /**
   * grant: applied made a credential, replayed gave the one there is; revoke: applied, or replayed when it was dead already;
   * use: applied when the credential was alive. stale: a higher fence was seen; dead: the lease or the credential is.
   */
  outcome: 'applied' | 'replayed' | 'stale' | 'dead';
  /** What a grant promised: the end, by the clock of who asked. */
  expiresAt: string | null;
}

/** What befalls the next call of a kind: its answer is lost after it was done, or the process dies before or after that. */
export interface Mishap {
  op: 'grant' | 'revoke';
  what: 'lose' | 'die-before' | 'die-after';
}
/** Mishaps to come, and how long each answer takes from now on. */
export interface Orders {
  mishaps: Mishap[];
  slowMs: number;
}
