import { createHash } from 'node:crypto';
import type { Client } from 'pg';
import { canonical } from '../../log/canonical';
import type { Random } from '../random';

/** One attack on a log of `size` entries by somebody who may write every table, but holds no signing key. */
export interface Tampering {
  name: string;
  sql: string;
  params: unknown[];
  /** Nothing in the database shows it: it takes the head that was signed before and kept elsewhere. */
  needsHead?: boolean;
  /** Afterwards the attacker computes all unsigned hashes anew, as the format says. */
  rehash?: boolean;
}

const digits = (column: string): string =>
  `${column} = overlay(${column} placing case when substr(${column}, $2, 1) = '0' then '1' else '0' end from $2 for 1)`;
const columns: Record<string, string> = {
  ...Object.fromEntries(['digest', 'prev_hash', 'hash', 'event_prev', 'event_hash'].map((c) => [c, digits(c)])),
  ...Object.fromEntries(
    ['kind', 'subject_kind', 'subject_id', 'decision'].map((c) => [c, `${c} = ${c} || chr(97 + $2::int % 26)`]),
  ),
  ...Object.fromEntries(
    ['transition', 'tool', 'reason', 'correlation_id', 'request_id'].map((c) => [
      c,
      `${c} = coalesce(${c}, '') || 'x' || $2::int`,
    ]),
  ),
  ...Object.fromEntries(
    ['id', 'ticket_id', 'run_id', 'agent_id'].map((c) => [c, `${c} = md5($2::int::text || ${c})::uuid`]),
  ),
  version: 'version = coalesce(version, 0) + $2::int',
  actor: `actor = jsonb_set(actor::jsonb, '{name}', to_jsonb('mallory'::text || $2::int))::json`,
  body: `body = (body::jsonb || jsonb_build_object('step', -$2::int))::json`,
  at: `at = at + $2::int * interval '1 microsecond'`,
  chain_shard: 'chain_shard = (chain_shard + 1 + $2::int % 15) % 16',
  tenant_id: `tenant_id = md5($2::int::text)::uuid`,
};
for (const c of ['ticket_id', 'run_id', 'agent_id']) columns[c] = `${c} = md5($2::int::text)::uuid`;

const flip = (column: string) => (size: number, r: Random): Tampering => ({
  name: `change ${column}`,
  sql: `update log set ${columns[column]} where seq = $1`,
  params: [1 + r.below(size), 1 + r.below(64)],
}); // prettier-ignore

const receipt = (name: string, set: string) => (size: number, r: Random): Tampering => ({
  name,
  sql: `update receipts set ${set} where entry_id = (select id from log where seq = $1)`,
  params: [receipted(size, r), 1 + r.below(60)],
}); // prettier-ignore

/** Every fourth entry has a receipt. */
export const hasReceipt = (seq: number): boolean => seq % 4 === 0;
const receipted = (size: number, r: Random): number => 4 * (1 + r.below(Math.floor(size / 4)));

const cut = `delete from log where seq > $1`;
const gone = `with cut as (delete from log where seq > $1 returning id) delete from receipts where entry_id in (select id from cut)`;
/** Every kind of attack there is; each draws its place and its change. */
export const attacks: ((size: number, r: Random) => Tampering)[] = [
  ...Object.keys(columns).map(flip),
  receipt('change a receipt', `receipt = overlay(receipt placing case when substr(receipt, $2::int, 1) = '1' then '2' else '1' end from $2::int for 1)`),
  receipt('change a signature', `signature = overlay(signature placing case when substr(signature, $2::int, 1) = 'A' then 'B' else 'A' end from $2::int for 1)`),
  (size, r) => ({ name: 'drop', sql: 'delete from log where seq = $1', params: [1 + r.below(size - 1)] }),
  (size, r) => ({ name: 'drop a receipt of a call', sql: 'delete from receipts where entry_id = (select id from log where seq = $1)', params: [receipted(size, r)] }),
  (size, r) => {
    const a = 1 + r.below(size - 1);
    return { name: 'swap', sql: `update log set seq = case seq when $1 then $2 + 1000000 else $1 + 1000000 end where seq in ($1, $2)`, params: [a, a + 1 + r.below(size - a)] };
  },
  (size, r) => ({ name: 'truncate, receipts left', sql: cut, params: [r.below(size - 4)] }),
  (size, r) => ({ name: 'truncate with receipts, a reader left', sql: gone, params: [r.below(size)] }),
  (size, r) => ({ name: 'roll back log, receipts and readers', sql: `with readers as (delete from cursors), ${gone.slice(5)}`, params: [r.below(size)], needsHead: true }),
  (size, r) => ({ name: 'insert a copy', sql: `insert into log select tenant_id, $2::bigint, gen_random_uuid(), at + interval '1 day', kind, actor, subject_kind, subject_id, version, null, ticket_id, run_id, agent_id, tool, decision, reason, null, correlation_id, body, digest, prev_hash, hash, chain_shard, event_prev, event_hash from log where seq = $1`, params: [1 + r.below(size), size + 1] }),
  (size, r) => ({ ...flip('body')(size, r), name: 'change a body and rehash', needsHead: true, rehash: true }),
  (size, r) => ({ name: 'change a receipted body and rehash', sql: `update log set body = (body::jsonb || jsonb_build_object('step', -$2::int))::json where seq = $1`, params: [receipted(size, r), 7], rehash: true }),
  (size, r) => ({ name: 'change a decision and rehash', sql: `update log set decision = 'deny' || $2::int where seq = $1`, params: [1 + r.below(size - 1), 1 + r.below(99)], needsHead: true, rehash: true }),
]; // prettier-ignore

const sha = (text: string): string => createHash('sha256').update(text).digest('hex');
const micro = `to_char(at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US') || '+00:00'`;

/** What somebody does who knows every recipe: the whole unsigned chain, computed anew. */
export async function rehash(db: Client, tenantId: string): Promise<void> {
  const { rows } = await db.query<Record<string, unknown>>(
    `select *, ${micro} as said_at, seq::text as said_seq from log where tenant_id = $1 order by log.seq`,
    [tenantId],
  );
  let prev = '0'.repeat(64);
  const shards = new Map<unknown, string>();
  for (const row of rows) {
    const { digest: _d, prev_hash: _p, hash: _h, event_prev: _e, event_hash: _f, seq, at: _a, said_at, said_seq, chain_shard, ...said } = row; // prettier-ignore
    const text = (key: string): string =>
      JSON.stringify((row[key] as string | null) ?? '').replace(
        /[\u007f-\uffff]/g,
        (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
      );
    const kind = String(row['kind']);
    const action = kind.startsWith('execution.') ? 'execute_tool' : kind.replaceAll('.', '_');
    const event = `{"action": "${action}", "agent_id": ${text('agent_id')}, "decision": ${text('decision')}, "request_id": ${text('request_id')}, "tenant_id": ${text('tenant_id')}, "tool": ${text('tool')}}`;
    const digest = sha(canonical(said));
    const eventPrev = shards.get(chain_shard) ?? '0'.repeat(64);
    const eventHash = sha(eventPrev + event);
    const hash = sha([prev, said_seq, said_at, digest, eventPrev, eventHash].join('\n'));
    await db.query(
      'update log set digest = $2, prev_hash = $3, hash = $4, event_prev = $5, event_hash = $6 where tenant_id = $7 and seq = $1',
      [seq, digest, prev, hash, eventPrev, eventHash, tenantId],
    );
    prev = hash;
    shards.set(chain_shard, eventHash);
  }
}
