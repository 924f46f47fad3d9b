import { z } from 'zod';
import { socket } from '../../operation';
import { Instant, whole } from '../shapes';

export const agentEventTypes = [
  'connected', 'agent_spawned', 'agent_finished', 'agent_failed', 'agent_waiting', 'agent_stopped', 'agent_stalled',
  'checkpoint_update', 'change_pending', 'ticket_updated', 'ticket_synced', 'sync_complete', 'tool_status_changed',
] as const; // prettier-ignore

const seq = whole(0, Number.MAX_SAFE_INTEGER);

export const agentEvents = socket({
  path: '/api/agents/ws',
  tag: 'Agents',
  summary:
    'What agents do, as it happens: JSON texts, each with its place in the log. The text `ping` is answered with `pong`',
  access: 'agents:read',
  query: z.object({
    since: seq.optional().describe('The last seq that was seen: what came after it is sent first'),
    last_event_id: seq.optional().describe('The same'),
  }),
  sends: z.looseObject({
    type: z.enum(agentEventTypes),
    seq: z.int(),
    at: Instant,
    agent_id: z.int().optional(),
    task_id: z.int().optional(),
    ticket_id: z.int().optional(),
    status: z.string().optional(),
  }),
});
