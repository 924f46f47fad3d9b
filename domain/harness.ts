import type { TaskType } from './run';

/**
 * What every harness has in common: it turns a task into moves. The kernel carries a move out (a tool call through the
 * governed pipeline, a request for access, a gate), records what came of it, and asks for the next one. A harness keeps
 * no state of its own: everything it knows is in the brief, in the recorded observations and, where a model thinks for it, in the
 * recorded turns, so a crash loses nothing. Which harnesses there are says domain/harnesses.ts.
 */
import type { ModelTurn } from './model-turn';

/** One recorded, governed tool call. `digest` is sha256 (hex) over the canonical JSON of `result`; claims cite it. */
export interface Observation {
  step: number;
  tool: string;
  args: Record<string, unknown>;
  /** allow and monitor carried it out; every other decision means that `result` is null. */
  decision: string;
  /** Why it was refused, or what was found on the way. */
  reasons?: readonly { code: string; message: string }[];
  digest: string | null;
  result: unknown;
}

export interface Steering {
  id: string;
  author: string;
  source: string;
  body: string;
}

export interface AccessState {
  system: string;
  /** pending_approval, approved, granted, rejected, expired, revoked */
  status: string;
  credentialRef: string | null;
}

/** A skill of the run: what it is for, and its template as it can be read. */
export interface BriefSkill {
  name: string;
  description: string;
  text: string;
}

export interface Brief {
  ticket: {
    id: string;
    number: number;
    title: string;
    description: string;
    ticketClass: string;
    priority: string | null;
  };
  prompt: string | null;
  /** Unset where it is not a run that asks. */
  task?: TaskType;
  attachments: { id: string; filename: string; sizeBytes: number | null; stored: boolean }[];
  /** What people said since the run began, oldest first. */
  steering: Steering[];
  access: AccessState[];
  /** Given where a model is asked. */
  skills?: BriefSkill[];
  /** Where a report would be published: unique on the server. */
  slug: string;
}

export interface LeaseScope {
  system: string;
  resourceType: string;
  resourceId: string;
  action: string;
}

export type Move =
  /** Call a tool; `why` is one sentence for the people who read along. */
  | { kind: 'call'; tool: string; args: Record<string, unknown>; why: string }
  /** Ask for credentials and go on without waiting. At most one a system and run. */
  | { kind: 'request_access'; system: string; resource: string; permission: string; reason: string; lease: LeaseScope }
  /**
   * Propose the one change of the run; people decide. `args` are the arguments of `tool`, to which the approval is sealed.
   * `at` is the step where it was escalated already, when the harness has seen that.
   */
  | {
      kind: 'propose';
      action: string;
      target: string;
      reason: string;
      tool: string;
      args: Record<string, unknown>;
      at?: number;
    }
  /** Have a model say what comes next: one turn, recorded. */
  | { kind: 'think' }
  /** Stay with a command that works on the task, until there is something for the kernel to do. */
  | { kind: 'attend' }
  /** Offer the task to agents elsewhere, until one of them says what came of it. */
  | { kind: 'offer' }
  | { kind: 'finish'; summary: string }
  /** It cannot go on, and says why. */
  | { kind: 'fail'; error: string };

/** A statement with the digests of the observations it rests on. Code drops a claim that cites nothing that was observed. */
export interface Claim {
  statement: string;
  kind: 'finding' | 'hypothesis';
  /** 0..1 */
  confidence: number;
  cites: string[];
}

export interface Report {
  title: string;
  summary: string;
  claims: Claim[];
  /** Ranked, best first; a subset of `claims` of kind hypothesis. */
  hypotheses: Claim[];
  tables: { title: string; columns: string[]; rows: (string | number)[][]; cites: string[] }[];
  /** Known blueprints and articles that match this ticket. */
  references: { kind: 'blueprint' | 'article' | 'ticket'; id: number; title: string; cites: string[] }[];
  /** What could not be looked at, and why (a refused tool call, access still pending, an unreadable attachment). */
  limits: string[];
  steering: { id: string; author: string; body: string; answer: string; cites: string[] }[];
}

export interface Harness {
  name: string;
  /**
   * It is told of its own proposal, and of a refusal of it: the escalated call stands among the observations. Others are asked
   * what they would do without it, and a refused proposal ends their run.
   */
  hearsOfProposals?: true;
  /** It says itself that it has taken in what people said: nobody answers for it. */
  answersItself?: true;
  /** Pure: the same brief, observations and turns (of a model) give the same move. */
  next(brief: Brief, observations: readonly Observation[], turns?: readonly ModelTurn[]): Move;
  /** What it answers to what people said, by the event's id; for those that report, their report does. */
  answers?(brief: Brief, turns: readonly ModelTurn[]): ReadonlyMap<string, string>;
}
