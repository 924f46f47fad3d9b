import type { Actor } from './principal';

/** What an entry is about. */
export type SubjectKind =
  | 'agent' | 'run' | 'execution' | 'gate' | 'access_request' | 'lease' | 'ticket' | 'investigation' | 'postmortem'
  | 'signal' | 'reported_run' | 'agent_record' | 'alert_rule' | 'alert' | 'article' | 'blueprint' | 'skill' | 'pipeline' | 'publication' | 'api_key' | 'oauth_client' | 'secret' | 'user' | 'tenant' | 'kill_switch' | 'policy'
  | 'transactions' | 'recommendation' | 'approver_group' | 'approval_rule' | 'raci_group' | 'raci_rule'
  | 'runtime' | 'tool' | 'provider' | 'transparency_root' | 'audit_entry'; // prettier-ignore

/** One thing that happened, as its writer says it. Everything else (seq, time, hashes) the log adds. */
export interface NewEntry {
  /** A uuid (v7), when something else had to know it before. */
  id?: string;
  /** `<noun>.<what happened>`, past tense: gate.approved, run.started, execution.denied */
  kind: string;
  actor: Actor;
  subject: { kind: SubjectKind; id: string };
  /** For lifecycles: the version that this entry made, and the id of the update, signal or timer that asked for it. */
  version?: number;
  transition?: string;
  ticketId?: string | null;
  runId?: string | null;
  agentId?: string | null;
  /** The wire's audit columns; a call of a tool fills them, everything else leaves them alone. */
  tool?: string | null;
  decision?: string;
  reason?: string | null;
  /** Unique in the tenant: the same call is recorded once. */
  requestId?: string | null;
  /** The HTTP request behind it. */
  correlationId?: string | null;
  body?: Record<string, unknown>;
  /** Sign a receipt for it. */
  receipt?: boolean;
}

/** An entry as it stands in the log. */
export interface Entry {
  tenantId: string;
  seq: number;
  id: string;
  /** ISO 8601 UTC with six fractional digits; strictly rising within a tenant. */
  at: string;
  kind: string;
  actor: Actor;
  subjectKind: string;
  subjectId: string;
  version: number | null;
  transition: string | null;
  ticketId: string | null;
  runId: string | null;
  agentId: string | null;
  tool: string | null;
  decision: string;
  reason: string | null;
  requestId: string | null;
  correlationId: string | null;
  body: Record<string, unknown>;
  digest: string;
  prevHash: string;
  hash: string;
  chainShard: number;
  eventPrev: string;
  eventHash: string;
}

/** What an entry says, by column, in the order of canonical JSON: of these its digest is (log/chain.ts). */
export const saidColumns = [
  'actor', 'agent_id', 'body', 'correlation_id', 'decision', 'id', 'kind', 'reason', 'request_id', 'run_id', 'subject_id',
  'subject_kind', 'tenant_id', 'ticket_id', 'tool', 'transition', 'version',
] as const; // prettier-ignore

/** Where a log ended, signed: `seq.hash.fingerprint.signature`. */
export const headForm = /^(\d{1,15})\.([0-9a-f]{64})\.([0-9a-f]{32})\.([A-Za-z0-9_-]{86})$/;
