import { z } from 'zod';
import { conversation } from '../../operation';
import { Instant, whole } from '../shapes';
import { prefixed } from './door';

const since = whole(0, Number.MAX_SAFE_INTEGER)
  .optional()
  .describe('An offset that was seen: what came after it is sent first');

export const eventTypes = [
  'agent_status_change', 'task_created', 'task_started', 'task_progress', 'task_retrying', 'task_completed', 'task_failed', 'system_alert',
] as const; // prettier-ignore

export const orchestrationEvents = conversation({
  path: '/v1/ws',
  tag: 'WebSocket',
  summary: 'Events as they happen: who connects says who they are first, then what they want to hear',
  access: 'agents:read',
  hears: z.discriminatedUnion('type', [
    z.discriminatedUnion('channel', [
      z.object({ type: z.literal('subscribe'), channel: z.literal('agent_events'), agent_id: prefixed('agent'), since }),
      z.object({ type: z.literal('subscribe'), channel: z.literal('system_events'), since }),
    ]),
    z.object({ type: z.literal('unsubscribe'), channel: z.enum(['agent_events', 'system_events']), agent_id: prefixed('agent').optional() }),
    z.object({ type: z.literal('ping') }),
  ]), // prettier-ignore
  sends: z.object({
    type: z.enum(['auth_ok', 'subscribed', 'unsubscribed', 'pong', 'error', ...eventTypes]),
    payload: z.record(z.string(), z.unknown()),
    channel: z.string().optional(),
    offset: z.int().optional().describe('Its place in the log: `since` goes on after it'),
    timestamp: Instant.optional(),
  }),
});
