import { Conflict } from './errors';
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

export const investigationModes = ['quick'] as const;
export type InvestigationMode = (typeof investigationModes)[number];

/** Evidence-bound findings about a subject; here a ticket's evidence. */
export interface Investigation {
  id: string;
  tenantId: string;
  ticketId: string;
  agentId: string;
  mode: InvestigationMode;
  status: InvestigationStatus;
  /** Steps recorded so far. */
  steps: number;
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
  | { type: 'interrupt'; reason: string };

const targets: Record<InvestigationEvent['type'], InvestigationStatus> = {
  begin: 'IN_PROGRESS',
  conclude: 'COMPLETED',
  fail: 'FAILED',
  time_out: 'TIMED_OUT',
  interrupt: 'INTERRUPTED',
};

/** @throws Conflict naming the state that stands: only what is pending begins, only what is in progress ends. */
export function step(investigation: Investigation, event: InvestigationEvent, at: string): Investigation {
  const from = event.type === 'begin' ? ['PENDING'] : ['PENDING', 'IN_PROGRESS'];
  if (!from.includes(investigation.status)) {
    throw new Conflict(`cannot ${event.type} an investigation that is ${investigation.status}`, {
      status: investigation.status,
    });
  }
  const next = { ...investigation, status: targets[event.type], version: investigation.version + 1 };
  if (event.type === 'begin') return next;
  const error =
    event.type === 'fail'
      ? event.error
      : event.type === 'interrupt'
        ? event.reason
        : event.type === 'time_out'
          ? 'deadline'
          : null;
  return { ...next, finishedAt: at, error, conclusion: event.type === 'conclude' ? event.conclusion : null };
}
