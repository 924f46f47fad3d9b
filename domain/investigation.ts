import { Conflict } from './errors';
import type { Severity } from './findings';
import type { Actor } from './principal';

export const investigationStatuses = [
  'PENDING',
  'IN_PROGRESS',
  'COMPLETED',
  'FAILED',
  'TIMED_OUT',
  'INTERRUPTED',
] as const;
export type InvestigationStatus = (typeof investigationStatuses)[number];
/** From these it can be resumed. */
const resumable: readonly InvestigationStatus[] = ['FAILED', 'TIMED_OUT', 'INTERRUPTED'];

/** quick looks at less. */
export const investigationModes = ['quick', 'full'] as const;
export type InvestigationMode = (typeof investigationModes)[number];

/** Evidence-bound findings about a subject: a ticket or a transaction. */
export interface Investigation {
  id: string;
  tenantId: string;
  ticketId: string | null;
  transactionId: string | null;
  agentId: string;
  mode: InvestigationMode;
  status: InvestigationStatus;
  /** Steps recorded so far. */
  steps: number;
  /** Counts from 1; each resume makes one more, with a workflow of its own. */
  attempt: number;
  /** What the evidence of a transaction comes to, once it is completed; null for a ticket. */
  severity: Severity | null;
  /** 0..1 */
  confidence: number | null;
  /** The report, once it is completed. */
  conclusion: Record<string, unknown> | null;
  error: string | null;
  startedBy: Actor;
  createdAt: string;
  finishedAt: string | null;
  version: number;
}

export type InvestigationEvent =
  | { type: 'begin' }
  | { type: 'conclude'; conclusion: Record<string, unknown> }
  | { type: 'fail'; error: string }
  | { type: 'time_out' }
  | { type: 'interrupt'; reason: string }
  | { type: 'resume' };

const targets: Record<InvestigationEvent['type'], InvestigationStatus> = {
  begin: 'IN_PROGRESS',
  conclude: 'COMPLETED',
  fail: 'FAILED',
  time_out: 'TIMED_OUT',
  interrupt: 'INTERRUPTED',
  resume: 'IN_PROGRESS',
};
const sources: Record<InvestigationEvent['type'], readonly InvestigationStatus[]> = {
  begin: ['PENDING'],
  conclude: ['PENDING', 'IN_PROGRESS'],
  fail: ['PENDING', 'IN_PROGRESS'],
  time_out: ['PENDING', 'IN_PROGRESS'],
  interrupt: ['PENDING', 'IN_PROGRESS'],
  resume: resumable,
};

const errorOf = (event: InvestigationEvent): string | null => {
  if (event.type === 'fail') return event.error;
  if (event.type === 'interrupt') return event.reason;
  return event.type === 'time_out' ? 'deadline' : null;
};

/**
 * Only what is pending begins, only what is under way ends, only what ended without a conclusion is resumed.
 * @throws Conflict naming the state that stands
 */
export function step(investigation: Investigation, event: InvestigationEvent, at: string): Investigation {
  if (!sources[event.type].includes(investigation.status)) {
    throw new Conflict(`cannot ${event.type} an investigation that is ${investigation.status}`, {
      status: investigation.status,
    });
  }
  const next = { ...investigation, status: targets[event.type], version: investigation.version + 1 };
  if (event.type === 'begin') return next;
  if (event.type === 'resume') return { ...next, attempt: investigation.attempt + 1, error: null, finishedAt: null };
  return {
    ...next,
    finishedAt: at,
    error: errorOf(event),
    conclusion: event.type === 'conclude' ? event.conclusion : null,
  };
}

/** What it is about, in a few words. */
export const subjectOf = ({ ticketId, transactionId }: Pick<Investigation, 'ticketId' | 'transactionId'>): string =>
  transactionId === null ? `ticket ${ticketId}` : `transaction ${transactionId}`;
