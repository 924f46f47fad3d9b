import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';

/** A row of the log as Postgres gives it, and its receipt's text when it has one. */
export interface RawRow {
  tenant_id: string; seq: string; id: string; at: string; kind: string; actor: unknown; subject_kind: string; subject_id: string;
  version: number | null; transition: string | null; ticket_id: string | null; run_id: string | null; agent_id: string | null;
  tool: string | null; decision: string; reason: string | null; request_id: string | null; correlation_id: string | null; body: unknown;
  digest: string; prev_hash: string; hash: string; chain_shard: number; event_prev: string; event_hash: string;
} // prettier-ignore

export const rawRows = `select tenant_id, seq::text, id, to_char(at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US') || '+00:00' as at, kind,
  actor, subject_kind, subject_id, version, transition, ticket_id, run_id, agent_id, tool, decision, reason, request_id, correlation_id,
  body, digest, prev_hash, hash, chain_shard, event_prev, event_hash from log where tenant_id = $1 order by log.seq`;

const sha = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');

/** Python's json.dumps with its defaults and sort_keys, of the six strings that the audit door chains. */
function dumps(row: RawRow): string {
  const ascii = (s: string): string =>
    JSON.stringify(s).replace(/[\u007f-\uffff]/g, (c) => '\\u' + ('000' + c.charCodeAt(0).toString(16)).slice(-4));
  const action = /^execution\./.test(row.kind) ? 'execute_tool' : row.kind.split('.').join('_');
  return (
    `{"action": ${ascii(action)}, "agent_id": ${ascii(row.agent_id ?? '')}, "decision": ${ascii(row.decision)}, ` +
    `"request_id": ${ascii(row.request_id ?? '')}, "tenant_id": ${ascii(row.tenant_id)}, "tool": ${ascii(row.tool ?? '')}}`
  );
}

/**
 * Verifies a log from its rows, written from the description of the format and not from the product's code: what it finds
 * wrong, in order. Signatures are not its concern.
 */
export function independently(rows: readonly RawRow[]): string[] {
  const wrong: string[] = [];
  const shardTails: string[] = new Array<string>(16).fill('0'.repeat(64));
  let tail = '0'.repeat(64);
  let time = '';
  let last = 0;
  for (const row of rows) {
    const { seq, at, digest, prev_hash, hash, chain_shard, event_prev, event_hash, ...said } = row;
    const check = (what: string, holds: boolean): void => void (holds || wrong.push(`${seq} ${what}`));
    const shard = row.request_id === null ? 0 : parseInt(createHash('md5').update(row.request_id).digest('hex').slice(0, 4), 16) & 15; // prettier-ignore
    check('gap', Number(seq) === last + 1);
    last = Number(seq);
    check('time', at > time);
    check('digest', sha(canonicalize(said) ?? '') === digest);
    check('prev_hash', prev_hash === tail);
    check('hash', sha(`${prev_hash}\n${seq}\n${at}\n${digest}\n${event_prev}\n${event_hash}`) === hash);
    check('shard', shard === chain_shard);
    check('event_prev', event_prev === shardTails[chain_shard]);
    check('event_hash', sha(event_prev + dumps(row)) === event_hash);
    tail = hash;
    time = at;
    shardTails[chain_shard] = event_hash;
  }
  return wrong;
}
