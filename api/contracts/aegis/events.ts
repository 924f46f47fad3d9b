import { z } from 'zod';
import { operation, raw } from '../../operation';

export const events = {
  eventStream: operation({
    route: 'GET /events/stream',
    tag: 'events',
    summary:
      'The log as it grows (Server-Sent Events): the id of an event is its place in the log, and Last-Event-ID goes on after it',
    access: 'events:read',
    query: z.object({ agent_id: z.uuid().optional() }),
    output: raw('text/event-stream'),
    errors: ['NotFound'],
  }),
};
