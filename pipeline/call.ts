import type { z } from 'zod';
import type { Read, Write } from '../db/tx';
import type { LeaseScope } from '../domain/harness';
import type { Actor } from '../domain/principal';
import type { Scope } from '../domain/scopes';
import type { FileStore } from '../log/files';

/** One tool call that somebody wants carried out. */
export interface Call {
  tenantId: string;
  /** Who calls: an agent, with the scopes of its run. */
  actor: Actor;
  scopes: readonly string[];
  agentId: string;
  /** The run, investigation or request it belongs to, and its step there: the key of the execution ledger. */
  owner: { kind: 'run' | 'investigation' | 'request'; id: string; step: number };
  /** What its entry is found by besides, unique in the tenant; owner and step when left out. */
  requestId?: string;
  ticketId: string | null;
  tool: string;
  args: Record<string, unknown>;
  /** One sentence for the people who read along. */
  why: string | null;
  /** The gate whose approval this call uses up. */
  gateId: string | null;
}

export const decisions = ['allow', 'monitor', 'throttle', 'escalate', 'deny', 'kill', 'error'] as const;
export type Decision = (typeof decisions)[number];
/** Carried out. */
export const passes = (decision: Decision): boolean => decision === 'allow' || decision === 'monitor';

export interface Reason {
  code: string;
  message: string;
  /** When it may be asked again, where that is known. */
  retryAfterMs?: number | undefined;
}
export interface StageTime {
  stage: string;
  ms: number;
  outcome: string;
}

/** How a call was weighed. */
export interface Assessment {
  /** 0..100: the inherent risk of what was asked for, whoever asks. */
  riskScore: number;
  /** 0..1: how far from where another decision begins. */
  confidence: number;
  /** Each 0..1, by component of the composite risk. */
  signals: Record<string, number>;
  /** What decided, and the digest of the policy it decided under. */
  policyId: string;
  policyVersion: string;
  /** ATT&CK, of the heaviest signal. */
  technique: string | null;
}

/** A row of the execution ledger. */
export interface Execution {
  id: string;
  step: number;
  tool: string;
  args: Record<string, unknown>;
  argsDigest: string;
  why: string | null;
  decision: Decision;
  risk: number;
  findings: string[];
  reasons: Reason[];
  stages: StageTime[];
  result: unknown;
  resultDigest: string | null;
  error: string | null;
  /** Null: nothing weighed it. */
  assessment?: Assessment | null | undefined;
  startedAt: string;
  durationMs: number;
}

/** What an outside system needs to know of a call, so that it happens there once. */
export interface Effect {
  /** The same for every attempt at this step: an outside system that keeps keys answers a repeat as the first time. */
  key: string;
  /** Counts the attempts at this step, from 1. */
  attempt: number;
  /** Grows with every attempt: whoever has seen a higher one for this step refuses. */
  fence: number;
}

/** A credential that was lent to the run, for one use. */
export interface Credential {
  secret: string;
  /** Aborted when the lease ends by the database's clock, whatever this machine's says. */
  signal: AbortSignal;
}

/** What a tool gets. `write` is there for tools whose effect is a row: it commits with the record of the call. */
export interface ToolContext {
  call: Call;
  read<T>(work: (tx: Read) => Promise<T>): Promise<T>;
  write: Write | null;
  /** For external tools, null for others. */
  effect: Effect | null;
  /**
   * The secret of an active lease of this run that covers it; each use is in the log. Never to be kept, shown or recorded.
   * @throws Forbidden when there is none, also when the run was stopped or the kill switch engaged since the call passed
   */
  credential(scope: LeaseScope): Promise<Credential>;
  /** Puts the references of leases back in the place of secrets that `args` hold: for text that is cut before it is an answer. */
  hide: (text: string) => string;
  files: FileStore;
  signal: AbortSignal;
}

/**
 * read: looks; runs outside any transaction. write: changes rows of ours, in the transaction that records the call.
 * external: touches the outside world, idempotent under `effect.key`; only the last attempt at a step is recorded.
 */
export interface Tool<A extends z.ZodType = z.ZodType> {
  name: string;
  description: string;
  effect: 'read' | 'write' | 'external';
  scope: Scope;
  args: A;
  /** What `args` takes, as JSON schema, where that is somebody else's; else it is read off `args`. */
  inputSchema?: Record<string, unknown>;
  /** Digest of what the tool is by now, where that may change: an approval is sealed to it. */
  definition?: string;
  /**
   * References to leases in its arguments are replaced by what was leased, where that is for one of these (globs): only for
   * what leaves this installation at once. Unset: they are text like any other.
   */
  lends?: readonly LeaseScope[];
  /** Prose is data, screened for secrets only; instructions are screened fully. */
  content: 'prose' | 'instruction';
  /** What the call is about, for people and for the seal. */
  target(args: z.output<A>): string;
  /** Too slow for a local activity. */
  slow?(args: z.output<A>, context: Pick<ToolContext, 'read' | 'call'>): Promise<boolean>;
  /** Asks whether it still is what was meant, before an approval is taken for it. @throws Conflict when it is not */
  confirm?(tenantId: string, signal: AbortSignal): Promise<void>;
  run(args: z.output<A>, context: ToolContext): Promise<unknown>;
}

/** A tool as those are told of it that are to call it. */
export interface ToolEntry extends Pick<Tool, 'name' | 'description' | 'effect' | 'scope'> {
  /** JSON Schema of the arguments, an object. */
  schema: Record<string, unknown>;
}

/** Ties the argument type of a tool's functions to its schema. */
export const tool = <A extends z.ZodType>(t: Tool<A>): Tool => t;
