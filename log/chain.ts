import { createHash } from 'node:crypto';
import type { Entry, NewEntry } from '../domain/log';
import type { PendingEntry } from '../db/tx';
import { canonical, sha256, spaced } from './canonical';

export const zeros = '0'.repeat(64);
const shards = 16;

/** First two bytes of the md5 of the request id, modulo 16; entries without one share shard 0. */
export const shardOf = (requestId: string | null): number =>
  requestId === null ? 0 : createHash('md5').update(requestId).digest().readUInt16BE(0) % shards;

/** What the audit door calls the action: a governed call is always `execute_tool`. */
export const actionOf = (kind: string): string =>
  kind.startsWith('execution.') ? 'execute_tool' : kind.replace(/\./g, '_');

/** Everything an entry says, with what is JSON in it as its canonical text. */
export type Said = Pick<
  Entry,
  'kind' | 'subjectKind' | 'subjectId' | 'version' | 'transition' | 'ticketId' | 'runId' | 'agentId' | 'tool' | 'decision'
  | 'reason' | 'requestId' | 'correlationId' | 'id' | 'tenantId'
> & { actor: string; body: string }; // prettier-ignore

const text = (value: string | null): string => (value === null ? 'null' : JSON.stringify(value));

/** The canonical JSON of what an entry says; seq, time and hashes are chained beside it. */
const saidText = (e: Said): string =>
  `{"actor":${e.actor},"agent_id":${text(e.agentId)},"body":${e.body},"correlation_id":${text(e.correlationId)},` +
  `"decision":${text(e.decision)},"id":${text(e.id)},"kind":${text(e.kind)},"reason":${text(e.reason)},` +
  `"request_id":${text(e.requestId)},"run_id":${text(e.runId)},"subject_id":${text(e.subjectId)},` +
  `"subject_kind":${text(e.subjectKind)},"tenant_id":${text(e.tenantId)},"ticket_id":${text(e.ticketId)},` +
  `"tool":${text(e.tool)},"transition":${text(e.transition)},"version":${e.version}}`;

export const entryDigest = (e: Said): string => sha256(saidText(e));

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

/** An entry as append_log takes it, and as a receipt is made of it. */
export function toAppend(tenantId: string, e: PendingEntry) {
  const said = {
    id: e.id,
    tenantId,
    kind: e.kind,
    actor: canonical({ id: e.actor.id, kind: e.actor.kind, name: e.actor.name }),
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
  } satisfies Said & { [K in Exclude<keyof NewEntry, 'subject' | 'receipt'>]?: unknown };
  const row = {
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
  };
  return { said, row };
}
