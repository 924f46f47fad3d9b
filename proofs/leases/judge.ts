import type { ProviderLine } from './line';
import type { World } from './world';

interface Lease extends Record<string, unknown> {
  id: string;
  run: string;
  status: string;
  keeper: string;
  expires: Date;
  asked: Date | null;
  ended: Date | null;
  /** Of the log: when it was being taken back, and the last time that it was handed out. */
  revoking: number | null;
  last_use: number | null;
  handed: number;
}

/** Credentials of one lease as its keeper had them: at a time, at the end, and when the last of them died. */
function livesOf(lines: readonly ProviderLine[]) {
  const alive = new Set<string>();
  const lives = { most: 0, diedAt: null as number | null };
  for (const { op, outcome, credential, at } of lines) {
    if (outcome !== 'applied') continue;
    const before = alive.size;
    if (op === 'grant' && credential !== null) alive.add(credential);
    if (op === 'revoke' && credential === null) alive.clear();
    if (op === 'revoke' && credential !== null) alive.delete(credential);
    lives.most = Math.max(lives.most, alive.size);
    if (before > 0 && alive.size === 0) lives.diedAt = at;
  }
  return { ...lives, left: alive.size };
}

/** What the provider, the sink, the rows and the log each say of every lease. */
export async function judge(w: World) {
  const { rows: leases } = await w.db.query<Lease>(
    `select l.id, l.run_id as run, l.status, l.kept_by as keeper, l.expires_at as expires, l.revoke_asked_at as asked, l.ended_at as ended,
       (select min(seq) from log where subject_id = l.id::text and kind = 'lease.revoking')::int as revoking,
       (select max(seq) from log where subject_id = l.id::text and kind = 'lease.used')::int as last_use,
       (select count(*) from log where subject_id = l.id::text and kind = 'lease.used')::int as handed
     from leases l order by l.number`,
  );
  const lines = w.provider.lines();
  const byLease = new Map<string, ProviderLine[]>();
  for (const line of lines) byLease.set(line.lease, [...(byLease.get(line.lease) ?? []), line]);
  const found: string[] = [];
  const known = new Set(leases.map((l) => l.id));
  for (const [id, of] of byLease)
    if (id && !known.has(id) && of.some((l) => l.op === 'grant')) found.push(`lease ${id} is granted, and has no row`);

  const tally = {
    leases: leases.length,
    grants: 0,
    vaultGrants: 0,
    uses: 0,
    late: 0,
    orphans: 0,
    doubles: 0,
    unconfirmedMs: 0,
  };
  for (const lease of leases) {
    const of = byLease.get(lease.id) ?? [];
    const did = (op: ProviderLine['op'], outcome: ProviderLine['outcome'] = 'applied'): ProviderLine[] =>
      of.filter((l) => l.op === op && l.outcome === outcome);
    const [granted, revoked, used] = [did('grant'), did('revoke'), did('use')];
    const inVault = lease.keeper === 'vault';
    const lives = livesOf(of);
    // A vault is told of the end first, and then ends what it lent.
    const ended = inVault ? did('end') : revoked;
    const deadAt = inVault ? lives.diedAt : (revoked[0]?.at ?? null);
    tally.grants += granted.length;
    if (inVault) tally.vaultGrants += granted.length;
    tally.uses += used.length;
    const say = (what: string): void => void found.push(`lease ${lease.id}: ${what}`);
    const credentials = new Set([...granted, ...did('grant', 'replayed')].map((l) => l.credential));
    // In a vault another may take the place of one that is dead.
    if (inVault ? lives.most > 1 : granted.length > 1 || credentials.size > 1) {
      tally.doubles += 1;
      say(`${credentials.size} credentials`);
    }
    const dead = lease.status === 'revoked' || lease.status === 'expired';
    if (lives.left && lease.status !== 'active') {
      tally.orphans += 1;
      say(`alive at the provider, and ${lease.status} in its row`);
    }
    if (!dead) say(`is ${lease.status} at the end`);
    if (dead && !ended.length) say('its end is in its row and not at the provider');
    if (lease.ended && deadAt !== null && lease.ended.getTime() < deadAt - 1) say('said to be dead before it was');
    const over = Math.min(lease.expires.getTime(), lease.ended?.getTime() ?? Infinity);
    const late = used.filter((l) => l.at > over);
    tally.late += late.length;
    if (late.length) say(`${late.length} uses after its end, the last ${(late.at(-1)?.at ?? 0) - over} ms`);
    if (lease.revoking !== null && lease.last_use !== null && lease.last_use > lease.revoking)
      say('handed out after it was being taken back');
    if (used.length > lease.handed) say(`${used.length} uses, ${lease.handed} of them in the log`);
    if (lease.asked && lease.ended)
      tally.unconfirmedMs = Math.max(tally.unconfirmedMs, lease.ended.getTime() - lease.asked.getTime());
  }
  return { found: [...found, ...(await sunk(w, leases))], tally };
}

/** One effect a step; none of a run that ended more than a second ago; refused calls of such runs are in the ledger. */
async function sunk(w: World, leases: readonly Lease[]): Promise<string[]> {
  const { rows } = await w.db.query<{ id: string; finished_at: Date | null }>(
    'select id, finished_at from runs where id = any($1)',
    [leases.map((l) => l.run)],
  );
  const ended = new Map(rows.map((r) => [r.id, r.finished_at?.getTime() ?? Infinity]));
  const seen = new Set<string>();
  const found: string[] = [];
  for (const line of w.c.sink.lines()) {
    if (line.outcome !== 'applied') continue;
    const place = `${line.run}:${line.step}`;
    if (seen.has(place)) found.push(`step ${place} had its effect twice`);
    seen.add(place);
    const late = line.at - (ended.get(line.run) ?? Infinity);
    if (late > 1_000) found.push(`run ${line.run} had an effect ${late} ms after its end`);
  }
  return found;
}
