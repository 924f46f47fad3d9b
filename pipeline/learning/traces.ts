import type { Evidence, EvidenceChange, EvidenceTask } from '../../domain/evidence';
import { namedFamily, signalFamily, workflowKey } from '../../domain/workflow-key';

// Every statement of a synthesised postmortem ends with where it stands in the records.

export const ofAgent = (task: EvidenceTask, step: number | null = null): string =>
  `[agent ${task.agent_id}${step === null ? '' : `, step ${step}`}]`;
export const ofChange = (change: Pick<EvidenceChange, 'id'>): string => `[change ${change.id}]`;

/** The first digits of what a claim cites: enough to find the observations in the ledger. */
export const ofClaim = (task: EvidenceTask, step: number, cites: readonly string[]): string => {
  const digests = cites.slice(0, 4).map((digest) => digest.slice(0, 12));
  return `[agent ${task.agent_id}, step ${step}${digests.length ? `; observations ${digests.join(', ')}` : ''}]`;
};

/** Texts of others, where a line of ours holds them. */
export const inOneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();

export const bullets = (lines: readonly string[]): string => lines.map((line) => `- ${line}`).join('\n');

export const duration = (seconds: number): string => {
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.round(minutes / 6) / 10} h`;
};

export const plural = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;

/** The last report there is, with the task that made it. */
export function lastReport({ agent_tasks }: Evidence) {
  const task = agent_tasks.filter((t) => t.report !== null).at(-1);
  return task?.report ? { task, report: task.report } : null;
}

type Traced<T> = T & { task: EvidenceTask };

/** What was seen most, once each: the same log may have been read by several agents. */
const distinct = <T extends { events: number }>(
  items: readonly Traced<T>[],
  name: (item: T) => string,
): Traced<T>[] => {
  const byName = new Map<string, Traced<T>>();
  for (const item of items) {
    const known = byName.get(name(item));
    if (!known || item.events > known.events) byName.set(name(item), item);
  }
  return [...byName.values()].sort((a, b) => b.events - a.events);
};

export const signalsOf = ({ agent_tasks }: Evidence) =>
  distinct(agent_tasks.flatMap((task) => task.signals.map((s) => ({ ...s, task }))), (s) => s.id); // prettier-ignore

export const templatesOf = ({ agent_tasks }: Evidence) =>
  distinct(agent_tasks.flatMap((task) => task.templates.map((t) => ({ ...t, task }))), (t) => t.text); // prettier-ignore

/** A family that the title names; else the kind of trouble that the logs were full of; else what the words say. */
export function keyOf(evidence: Evidence): string {
  const { title, description, ticket_class } = evidence.ticket;
  const family = namedFamily(title) ?? signalFamily(signalsOf(evidence));
  const explicit = family ? `${ticket_class}:${family}` : null;
  return workflowKey({ explicit, ticketClass: ticket_class, texts: [title, description] });
}
