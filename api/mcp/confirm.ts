import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import type { RequestId } from '@modelcontextprotocol/sdk/types.js';
import type { McpTool } from './tools';

/** A change as `get_gate` shows it, as far as whoever decides has to see it. */
export interface Asked {
  id: number;
  status: string;
  action: string;
  target: string;
  command: string | null;
  reason: string | null;
  risk_level: string;
  requested_by: string;
  expires_at: string;
}

/** An agent wrote most of it: it gets one line each, and nothing that a terminal would obey. */
const line = (name: string, text: string | null): string =>
  text
    ? `\n${name}: ${text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]+/g, ' ').slice(0, 500)}`
    : '';

const patienceMs = 10 * 60_000;

/** What keeps a decision from being sent; null: the person at the client said yes. */
export async function confirmed(
  server: Server,
  verdict: NonNullable<McpTool['decides']>,
  change: Asked,
  about: { relatedRequestId: RequestId; signal: AbortSignal },
): Promise<string | null> {
  if (!server.getClientCapabilities()?.elicitation?.form)
    return `A person decides, and this client cannot ask one (elicitation). Where to decide: npx wheelhouse gates ${verdict} ${change.id}`;
  const answer = await server.elicitInput(
    {
      mode: 'form',
      message: [
        `${verdict === 'approve' ? 'Approve' : 'Reject'} change ${change.id}?`,
        line('Action', change.action),
        line('Target', change.target),
        line('Command', change.command),
        line('Reason', change.reason),
        line('Risk', change.risk_level),
        line('Asked by', change.requested_by),
        line('Waits until', change.expires_at),
      ].join(''),
      requestedSchema: {
        type: 'object',
        properties: { confirm: { type: 'boolean', title: `Yes, ${verdict} it`, default: false } },
        required: ['confirm'],
      },
    },
    { ...about, timeout: patienceMs },
  );
  if (answer.action === 'accept' && answer.content?.['confirm'] === true) return null;
  return `The person who was asked did not ${verdict} it: nothing was sent.`;
}
