import { createHash } from 'node:crypto';
import type { Entry, NewEntry } from '../domain/log';
import type { PendingEntry } from '../db/tx';
import { digestOf, sha256, spaced } from './canonical';

export const zeros = '0'.repeat(64);
const shards = 16;

/** First two bytes of the md5 of the request id, modulo 16; entries without one share shard 0. */
export const shardOf = (requestId: string | null): number =>
  requestId === null ? 0 : createHash('md5').update(requestId).digest().readUInt16BE(0) % shards;

/** What the audit door calls the action: a governed call is always `execute_tool`. */
export const actionOf = (kind: string): string =>
  kind.startsWith('execution.') ? 'execute_tool' : kind.replace(/\./g, '_');

type Digested = Pick<
  Entry,
  'kind' | 'actor' | 'subjectKind' | 'subjectId' | 'version' | 'transition' | 'ticketId' | 'runId' | 'agentId' | 'tool'
  | 'decision' | 'reason' | 'requestId' | 'correlationId' | 'body' | 'id' | 'tenantId'
>; // prettier-ignore

/** sha256 over the canonical JSON of everything an entry says; seq, time and hashes are chained beside it. */
export const entryDigest = (e: Digested): string =>
  digestOf({
    id: e.id,
    tenant_id: e.tenantId,
    kind: e.kind,
    actor: e.actor,
    subject_kind: e.subjectKind,
    subject_id: e.subjectId,
    version: e.version,
    transition: e.transition,
    ticket_id: e.ticketId,
    run_id: e.runId,
    agent_id: e.agentId,
    tool: e.tool,
    decision: e.decision,
    reason: e.reason,
    request_id: e.requestId,
    correlation_id: e.correlationId,
    body: e.body,
  });

/** The text whose hash, after the previous hash, is the audit door's event hash. */
export const eventText = (
  e: Pick<Entry, 'kind' | 'agentId' | 'decision' | 'requestId' | 'tenantId' | 'tool'>,
): string =>
  spaced({
    action: actionOf(e.kind),
    agent_id: e.agentId ?? '',
    decision: e.decision,
    request_id: e.requestId ?? '',
    tenant_id: e.tenantId,
    tool: e.tool ?? '',
  });

export const eventHash = (prev: string, e: Parameters<typeof eventText>[0]): string => sha256(prev + eventText(e));

/** The chain's own hash; the database computes the same under the tenant's lock (append_log). */
export const entryHash = (e: Pick<Entry, 'prevHash' | 'seq' | 'at' | 'digest' | 'eventPrev' | 'eventHash'>): string =>
  sha256([e.prevHash, e.seq, e.at, e.digest, e.eventPrev, e.eventHash].join('\n'));

/** An entry as append_log takes it. */
export function toAppend(tenantId: string, e: PendingEntry) {
  const full = {
    id: e.id,
    tenantId,
    kind: e.kind,
    actor: { id: e.actor.id, kind: e.actor.kind, name: e.actor.name },
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
    body: e.body ?? {},
  } satisfies Digested & NewEntryKeys;
  const row = {
    id: full.id,
    kind: full.kind,
    actor: full.actor,
    subject_kind: full.subjectKind,
    subject_id: full.subjectId,
    version: full.version,
    transition: full.transition,
    ticket_id: full.ticketId,
    run_id: full.runId,
    agent_id: full.agentId,
    tool: full.tool,
    decision: full.decision,
    reason: full.reason,
    request_id: full.requestId,
    correlation_id: full.correlationId,
    body: full.body,
  };
  return { full, row: { ...row, digest: entryDigest(full), shard: shardOf(full.requestId), event: eventText(full) } };
}
type NewEntryKeys = { [K in Exclude<keyof NewEntry, 'subject' | 'receipt' | 'actor'>]?: unknown };
