import { z } from 'zod';
import { operation } from '../../operation';
import { Instant, wholeOr } from '../shapes';
import { AuditRow } from './audit';

const tag = 'decision';
const count = z.int().min(0);

export const decision = {
  decisionSummary: operation({
    route: 'GET /decision/summary',
    tag,
    summary: 'What was decided in the last 30 days',
    access: 'audit:read',
    output: z.object({
      threats_blocked: count,
      high_risk_agents: count.describe('Agents with a call of a risk of 0.7 or more'),
      total_requests: count,
      metrics: z.array(z.object({ time: Instant, score: z.int().min(0).max(100) })).describe('Mean risk a day'),
      allow: count,
      monitor: count,
      throttle: count,
      escalate: count,
      deny: count.describe('With those of `kill`'),
      kill: count,
    }),
  }),
  decisionHistory: operation({
    route: 'GET /decision/history',
    tag,
    summary: 'The calls that were decided last, newest first',
    access: 'audit:read',
    query: z.object({ limit: wholeOr(20, 1, 200) }),
    output: z.object({ items: z.array(AuditRow) }),
  }),
};
