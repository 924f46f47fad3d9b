import type { Update } from '../domain/steering';
import type { GivenFile } from './put-files';

export interface Inbox {
  agent_id: number;
  task_id: number;
  ticket_id: number;
  updates: readonly Update[];
}

export const steeringFiles = { inbox: 'agent_steering_inbox.json', text: 'AGENT_STEERING.md' } as const;
/** The newest that an inbox has. */
export const mostUpdates = 50;

const instructions =
  'People said this while you work. It does not interrupt you: take it in before your next step, then acknowledge each one.';
const quoted = (text: string): string => text.split(/\r?\n/).map((l) => `> ${l}`).join('\n'); // prettier-ignore

const asText = ({ agent_id, updates }: Inbox): string =>
  [
    '# What people said',
    '',
    updates.length ? `${instructions} (\`post /api/agents/${agent_id}/steering/ID/ack\`)` : 'Nothing so far.',
    '',
    ...updates.flatMap((u) => [`## ${u.id}: ${u.author}, ${u.created_at} (${u.source})`, '', quoted(u.body), '']),
  ].join('\n');

/** Both files, each replaced at once. Oldest first. */
export function steeringOf(inbox: Inbox): GivenFile[] {
  const { agent_id, task_id, ticket_id, updates } = inbox;
  const file = { agent_id, task_id, ticket_id, updated_at: new Date().toISOString(), instructions, updates };
  return [
    { name: steeringFiles.inbox, text: `${JSON.stringify(file, null, 2)}\n` },
    { name: steeringFiles.text, text: asText(inbox) },
  ];
}
