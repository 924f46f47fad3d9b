import { z } from 'zod';
import { trailLevels, trailSources } from '../../../domain/trail';
import { operation } from '../../operation';
import { Instant, intId, name, wholeOr } from '../shapes';

const tag = 'Dashboard And Audit';

const Trail = z.object({
  id: z.int().describe('Unique among those of its source'),
  source: z.enum(trailSources).describe('audit and event are halves of the log; note: what is noted on tickets'),
  actor: z.string(),
  action: z.string(),
  target: z.string(),
  category: z.string(),
  level: z.enum(trailLevels),
  details: z.record(z.string(), z.unknown()),
  summary: z.string(),
  ticket_id: z.int().nullable(),
  agent_id: z.int().nullable(),
  created_at: Instant,
});
const part = name(200).optional();

export const overview = {
  dashboardStats: operation({
    route: 'GET /api/dashboard/stats',
    tag,
    summary: 'How many tickets, agents and changes stand where, and what happened last',
    access: 'dashboard:read',
    output: z.object({
      tickets: z.object({
        total: z.int(),
        new: z.int(),
        assigned: z.int(),
        resolved: z.int(),
        closed: z.int(),
        trend: z
          .array(z.object({ date: z.iso.date(), count: z.int() }))
          .describe('Made on each of the last seven days, UTC'),
      }),
      agents: z.object({
        active: z.int().describe('At work'),
        queued: z.int().describe('Of those, set to work and not begun'),
        waiting: z.int().describe('For people'),
        stalled: z.int().describe('At work, and not heard of for an hour'),
        history: z.int().describe('Over'),
        open: z.int().describe('Not over'),
        total: z.int(),
        distribution: z.array(z.object({ status: z.string(), count: z.int() })),
      }),
      changes: z.object({ pending: z.int() }),
      tools: z.object({ total: z.int(), healthy: z.int() }),
      recent_activity: z.array(Trail).describe('The newest 30'),
    }),
  }),
  dashboardAudit: operation({
    route: 'GET /api/dashboard/audit',
    tag,
    summary: 'The log and the notes of tickets as one trail, newest first',
    access: 'audit:read',
    query: z.object({
      actor: part,
      action: part,
      source: z.enum(trailSources).optional(),
      category: part,
      level: z.enum(trailLevels).optional(),
      target: part,
      q: part.describe('In actor, action, target and details; `change_12` finds the number in details as well'),
      ticket_id: intId.optional(),
      agent_id: intId.optional(),
      limit: wholeOr(100, 1, 1000),
    }),
    output: z.object({
      audit: z.array(Trail),
      count: z.int(),
      complete: z.boolean().describe('False: of each source the newest 50000 were looked at, and there are more'),
    }),
  }),
};
