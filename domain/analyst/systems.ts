import { inferLease } from '../access';
import type { Brief, LeaseScope, Move } from '../harness';

interface System {
  name: string;
  words: RegExp;
  /** The resource as a person would name it, from the text that names the system. */
  resource: (text: string) => string;
  /** Whose account it is about, where that narrows the lease. */
  account: (text: string) => string | null;
  use: string;
}

const named = (text: string, pattern: RegExp): string | null =>
  pattern.exec(text)?.[1]?.replace(/[.,;:]+$/, '') ?? null;
const nobody = (): null => null;

function alerts(text: string): string {
  const index = named(text, /alert index (\S+)/i);
  return index === null ? 'siem api of the manager' : `siem alert index ${index}`;
}

const systems: readonly System[] = [
  {
    name: 'siem',
    words: /\bsiem\b/i,
    resource: alerts,
    account: nobody,
    use: 'alerts around the time of the incident',
  },
  {
    name: 'wazuh',
    words: /\bwazuh\b/i,
    resource: alerts,
    account: nobody,
    use: 'alerts around the time of the incident',
  },
  {
    name: 'gitlab',
    words: /\bgitlab\b/i,
    resource: (text) => {
      const project = named(text, /\b(?:project|repo(?:sitory)?) ["'`]?([\w./-]+)/i);
      return project === null ? 'gitlab' : `gitlab project ${project}`;
    },
    account: nobody,
    use: 'changes and pipelines shortly before the incident',
  },
  {
    name: 'mailbox',
    words: /\bmailbox\b/i,
    resource: (text) =>
      ['mailbox', named(text, /([\w.+-]+@[\w-]+(?:\.[\w-]+)+)/)].filter((part) => part !== null).join(' '),
    account: (text) => named(text, /([\w.+-]+@[\w-]+(?:\.[\w-]+)+)/),
    use: 'the messages that the ticket is about',
  },
];

/** A system that the work names, and the credentials that reading it takes. */
export interface NamedSystem {
  name: string;
  resource: string;
  lease: LeaseScope;
  use: string;
}

/**
 * The systems that prompt, ticket or a note of a person names, as whole words. Two names of one system (a SIEM that is
 * Wazuh) are one request: people should not have to approve the same lease twice.
 */
export function namedSystems(brief: Brief): NamedSystem[] {
  const notes = brief.steering.filter(({ source }) => !CONTROL_PLANE.has(source)).map(({ body }) => body);
  const text = [brief.prompt ?? '', brief.ticket.title, brief.ticket.description, ...notes].join('\n');
  const found = new Map<string, NamedSystem>();
  for (const { name, words, resource, account, use } of systems) {
    if (!words.test(text)) continue;
    const asked = resource(text);
    const lease = inferLease(asked, 'read', account(text));
    if (lease !== null && !found.has(lease.system)) found.set(lease.system, { name, resource: asked, lease, use });
  }
  return [...found.values()];
}

/** Notes that the control plane writes about its own doings: nobody asks for anything in them. */
export const CONTROL_PLANE: ReadonlySet<string> = new Set([
  'approval-gate',
  'access-request',
  'ticket-status',
  'agent-checkpoint',
  'agent-control-plane',
  'postmortem',
]);

/** The request for access to this system; null when one was made already, whatever became of it. */
export function requestFor(system: NamedSystem, brief: Brief): Move | null {
  if (stateOf(system, brief) !== null) return null;
  const reason = `The ticket names ${system.name}: ${system.use} would confirm or refute what the attached evidence shows. Reading is enough.`;
  return {
    kind: 'request_access',
    system: system.name,
    resource: system.resource,
    permission: 'read',
    reason,
    lease: system.lease,
  };
}

/** How the request for this system stands. It is recorded under the system that the lease is for. */
export function stateOf({ name, lease }: NamedSystem, brief: Brief): Brief['access'][number] | null {
  return brief.access.findLast(({ system }) => system === lease.system || system === name) ?? null;
}
