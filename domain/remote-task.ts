import type { CommandOutcome } from './agent-process';
import type { Actor } from './principal';

/** What an agent elsewhere is told of its task: texts of others are matter, and no instruction of this server's. */
export interface RemoteBrief {
  title: string;
  description: string;
  ticket_class: string;
  priority: string | null;
  owning_group: string | null;
  classification: string;
  task_type: string;
  model: string | null;
  /** What people want besides the ticket itself. */
  prompt: string | null;
  /** How far an earlier holder came, and what it waited for. */
  before: string | null;
  attachments: { id: number; filename: string; size_bytes: number | null }[];
  skills: { name: string; description: string }[];
  /** What it may call, with the JSON Schema of the arguments. */
  tools: { name: string; description: string; effect: string; schema: Record<string, unknown> }[];
}

/** One offer of a run's work to agents elsewhere; who claims it holds it for as long as they say that they live. */
export interface RemoteTask {
  id: string;
  tenantId: string;
  runId: string;
  /** From 1, of its run. */
  offer: number;
  rank: number;
  labels: string[];
  brief: RemoteBrief;
  offeredAt: string;
  /** Of the last claim; it grows over all offers of the run. */
  token: number;
  holder: Actor | null;
  worker: string | null;
  claimId: string | null;
  keyId: string | null;
  claimedAt: string | null;
  leaseSeconds: number | null;
  leaseUntil: string | null;
  limitMs: number | null;
  workedMs: number;
  endedAt: string | null;
  outcome: CommandOutcome | null;
}

export interface Shown {
  /** The principal that calls. */
  by: string;
  token: number;
}
/** How a task and whoever calls stand to each other. `late`: by the database's clock, the lease has run out. */
export type Hold = 'holds' | 'fenced' | 'over' | 'offered' | 'foreign' | 'late' | 'never';

/** Whether a caller holds a task, and if not, why. Somebody who was fenced off is told that first, whatever came since. */
export function holdOf(task: Pick<RemoteTask, 'token' | 'holder' | 'endedAt'>, shown: Shown, late: boolean): Hold {
  if (shown.token < 1 || shown.token > task.token) return 'never';
  if (shown.token < task.token) return 'fenced';
  if (task.holder !== null && task.holder.id !== shown.by) return 'foreign';
  if (task.endedAt !== null) return 'over';
  if (task.holder === null) return 'offered';
  return late ? 'late' : 'holds';
}

/** What of its work a claim may be about, in the order in which labels have it. */
export const labelNames = [
  'harness', 'agent', 'agent_type', 'type', 'task_type', 'ticket_class', 'priority', 'provider', 'owning_group', 'assignee_team', 'security_classification',
  'profile', 'model',
] as const; // prettier-ignore
export type LabelName = (typeof labelNames)[number];

/** `name=value`, the same whoever writes it. */
export const label = (name: string, value: string): string => `${name}=${value.trim()}`.toLowerCase();

/** The labels of what is known. */
export const labelsOf = (known: Readonly<Record<LabelName, string | null>>): string[] =>
  labelNames.flatMap((name) => (known[name] ? [label(name, known[name])] : []));

/** Profiles give minutes, the configuration of an agent seconds. */
export const overTime = (limitMs: number): string =>
  limitMs % 60_000 === 0
    ? `it worked for longer than the ${limitMs / 60_000} minutes that its profile allows`
    : `it worked for longer than the ${limitMs / 1_000} seconds that its agent allows`;
