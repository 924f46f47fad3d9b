import { hash } from 'node:crypto';
import { saidColumns, type Entry, type NewEntry } from '../domain/log';
import type { PendingEntry } from '../db/tx';
import type { Actor } from '../domain/principal';
import { canonical, printable, sha256 } from './canonical';

export const zeros = '0'.repeat(64);
const shards = 16;

/** First two bytes of the md5 of the request id, modulo 16; entries without one share shard 0. */
export const shardOf = (requestId: string | null): number =>
  requestId === null ? 0 : parseInt(hash('md5', requestId).slice(0, 4), 16) % shards;

export const governed = 'execution.';
export const executeTool = 'execute_tool';
/** What the audit door calls the action: a governed call is always `execute_tool`. */
export const actionOf = (kind: string): string => (kind.startsWith(governed) ? executeTool : kind.replaceAll('.', '_'));

/** Everything an entry says, with what is JSON in it as its canonical text. */
export type Said = Pick<
  Entry,
  'kind' | 'subjectKind' | 'subjectId' | 'version' | 'transition' | 'ticketId' | 'runId' | 'agentId' | 'tool' | 'decision'
  | 'reason' | 'requestId' | 'correlationId' | 'id' | 'tenantId'
> & { actor: string; body: string }; // prettier-ignore

const camel = (column: string): string => column.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
/** What an entry says, part by part: its name in front, and where it stands; `bare`: as it is, without quotes. */
export const said = saidColumns.map((column, i) => ({
  before: `${i ? ',' : '{'}"${column}":`,
  column,
  key: camel(column) as keyof Said,
  bare: column === 'actor' || column === 'body' || column === 'version',
}));

/** The canonical JSON of what an entry says; seq, time and hashes are chained beside it. */
const saidText = (e: Said): string => {
  let text = '';
  for (const { before, key, bare } of said) text += before + String(bare ? e[key] : JSON.stringify(e[key]));
  return `${text}}`;
};

export const entryDigest = (e: Said): string => sha256(saidText(e));

const eventColumns = ['kind', 'agent_id', 'decision', 'request_id', 'tenant_id', 'tool'] as const;
type Event = Pick<Entry, 'kind' | 'agentId' | 'decision' | 'requestId' | 'tenantId' | 'tool'>;
/** The audit door's JSON, part by part: sorted keys, and a space after each comma and colon. */
export const event = eventColumns.map((column, i) => ({
  before: `${i ? ', ' : '{'}"${column === 'kind' ? 'action' : column}": `,
  column,
  key: camel(column) as keyof Event,
}));

/** The text whose hash, after the previous hash, is the audit door's event hash. */
const eventText = (e: Event): string => {
  let text = '';
  for (const { before, key } of event) text += before + printable(key === 'kind' ? actionOf(e.kind) : (e[key] ?? ''));
  return `${text}}`;
};

export const eventHash = (prev: string, e: Event): string => sha256(prev + eventText(e));

/** The chain's own hash; the database computes the same under the tenant's lock (append_log). */
export const entryHash = (e: Pick<Entry, 'prevHash' | 'seq' | 'at' | 'digest' | 'eventPrev' | 'eventHash'>): string =>
  sha256(`${e.prevHash}\n${e.seq}\n${e.at}\n${e.digest}\n${e.eventPrev}\n${e.eventHash}`);

/** What an entry is to say, before it is hashed; `by` is the actor that its canonical text was made of. */
export function saidOf(tenantId: string, e: PendingEntry) {
  const by = { id: e.actor.id, kind: e.actor.kind, name: e.actor.name };
  return {
    by,
    id: e.id,
    tenantId,
    kind: e.kind,
    actor: canonical(by),
    subjectKind: e.subject.kind,
    subjectId: e.subject.id,
    version: e.version ?? null,
    transition: e.transition ?? null,
    ticketId: e.ticketId ?? null,
    runId: e.runId ?? null,
    agentId: e.agentId ?? null,
    tool: e.tool ?? null,
    decision: e.decision ?? 'allow',
    reason: e.reason ?? null,
    requestId: e.requestId ?? null,
    correlationId: e.correlationId ?? null,
    body: canonical(e.body ?? {}),
  } satisfies Said & { by: Actor } & { [K in Exclude<keyof NewEntry, 'subject' | 'receipt'>]?: unknown };
}

/** An entry as append_log takes it. */
export const toAppend = (said: Said) => ({
  id: said.id,
  kind: said.kind,
  actor: said.actor,
  subject_kind: said.subjectKind,
  subject_id: said.subjectId,
  version: said.version,
  transition: said.transition,
  ticket_id: said.ticketId,
  run_id: said.runId,
  agent_id: said.agentId,
  tool: said.tool,
  decision: said.decision,
  reason: said.reason,
  request_id: said.requestId,
  correlation_id: said.correlationId,
  body: said.body,
  digest: entryDigest(said),
  shard: shardOf(said.requestId),
  event: eventText(said),
});
