import { createHash, randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import type { ProviderLine } from './line';

interface Held {
  /** The highest that was seen. */
  fence: number;
  secret: string | null;
  /** Credentials that work, by their digests. */
  alive: Set<string>;
  dead: boolean;
}

const digest = (secret: string): string => createHash('sha256').update(secret).digest('hex').slice(0, 16);

export const linesOf = (file: string): ProviderLine[] => {
  if (!existsSync(file)) return [];
  const complete = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return complete.map((line) => JSON.parse(line) as ProviderLine);
};

/**
 * The grants of a provider that keeps the contract (domain/credentials.ts) over its own crashes: secrets in one file, what
 * happened in another, both on disk before anybody is told.
 */
export function openLedger(file: string) {
  const leases = new Map<string, Held>();
  const secrets = new Map<string, string>();
  const held = (lease: string): Held => {
    const known = leases.get(lease) ?? { fence: 0, secret: null, alive: new Set(), dead: false };
    leases.set(lease, known);
    return known;
  };
  const secretsFile = `${file}.secrets`;
  if (existsSync(secretsFile))
    for (const secret of readFileSync(secretsFile, 'utf8').split('\n').slice(0, -1))
      secrets.set(digest(secret), secret);
  const know = (line: ProviderLine): void => {
    const of = held(line.lease);
    if (line.fence !== null) of.fence = Math.max(of.fence, line.fence);
    if (line.outcome !== 'applied') return;
    if (line.op === 'grant' && line.credential !== null) {
      of.secret = secrets.get(line.credential) ?? null;
      of.alive.add(line.credential);
    }
    if (line.op !== 'revoke') return;
    if (line.credential !== null) return void of.alive.delete(line.credential);
    of.dead = true;
    of.alive.clear();
  };
  for (const line of linesOf(file)) know(line);
  const [ledger, kept] = [openSync(file, 'a', 0o600), openSync(secretsFile, 'a', 0o600)];
  const put = (fd: number, text: string): void => {
    writeSync(fd, `${text}\n`);
    fsyncSync(fd);
  };
  const note = (line: Omit<ProviderLine, 'at'>): ProviderLine['outcome'] => {
    const noted = { ...line, at: Date.now() };
    put(ledger, JSON.stringify(noted));
    know(noted);
    return noted.outcome;
  };

  const made = (secret: string): string => {
    put(kept, secret);
    secrets.set(digest(secret), secret);
    return secret;
  };

  return {
    digest,
    /** A secret of a vault, beside those that the lease has. */
    make(lease: string, secret: string): void {
      note({ op: 'grant', lease, fence: null, credential: digest(made(secret)), outcome: 'applied', expiresAt: null });
    },
    unmake(lease: string, credential: string): void {
      const outcome = held(lease).alive.has(credential) ? 'applied' : 'replayed';
      note({ op: 'revoke', lease, fence: null, credential, outcome, expiresAt: null });
    },
    /** It is written down that the lease is over. */
    end: (lease: string, fence: number) =>
      note({ op: 'end', lease, fence, credential: null, outcome: 'applied', expiresAt: null }),
    grant(
      lease: string,
      fence: number,
      expiresAt: string,
    ): { outcome: ProviderLine['outcome']; secret: string | null } {
      const of = held(lease);
      const base = { op: 'grant' as const, lease, fence, expiresAt };
      if (of.dead) return { outcome: note({ ...base, credential: null, outcome: 'dead' }), secret: null };
      if (fence < of.fence) return { outcome: note({ ...base, credential: null, outcome: 'stale' }), secret: null };
      if (of.secret !== null) {
        return { outcome: note({ ...base, credential: digest(of.secret), outcome: 'replayed' }), secret: of.secret };
      }
      const secret = made(randomBytes(24).toString('base64url'));
      return { outcome: note({ ...base, credential: digest(secret), outcome: 'applied' }), secret };
    },
    revoke(lease: string, fence: number): ProviderLine['outcome'] {
      const { dead, fence: seen } = held(lease);
      const outcome = dead ? 'replayed' : fence < seen ? 'stale' : 'applied';
      return note({ op: 'revoke', lease, fence, credential: null, outcome, expiresAt: null });
    },
    /** Any credential that it ever made works until somebody ends it: it keeps no time, so whoever asked for it has to. */
    use(secret: string): ProviderLine['outcome'] {
      const credential = digest(secret);
      const [lease] = [...leases].find(([, l]) => l.alive.has(credential) || l.secret === secret) ?? [''];
      const outcome = held(lease).alive.has(credential) ? 'applied' : 'dead';
      return note({ op: 'use', lease, fence: null, credential, outcome, expiresAt: null });
    },
    close(): void {
      closeSync(ledger);
      closeSync(kept);
    },
  };
}
