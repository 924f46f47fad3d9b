import { z } from 'zod';
import { operation } from '../../operation';
import { at } from './door';
import { ReportRunShape } from './records';
import { AgentShape } from './registry';
import { FleetRunShape } from './runs';
import { SignalShape } from './signals';

export const dashboard = {
  fleetDashboard: operation({
    ...at('GET', '/dashboard'),
    tag: 'dashboard',
    summary: 'The fleet in one answer: agents, runs of today (UTC), signals that wait, reports; the first 25 of each',
    access: 'agent-ops:read',
    output: z.object({
      agents: z.array(AgentShape).describe('Those that fail, most often first, then by their last run'),
      today_runs: z.array(FleetRunShape).describe('The newest'),
      pending_signals: z.array(SignalShape).describe('The newest'),
      report_runs: z.array(ReportRunShape).describe('The newest'),
      summary: z.object({
        agents_active: z.int(),
        agents_total: z.int(),
        runs_today: z.int().describe('Those that began today; the next three are of them'),
        runs_completed: z.int(),
        runs_failed: z.int(),
        avg_duration_ms: z.int().nullable().describe('Of those that have ended and whose duration is known'),
        pending_signals: z.int(),
      }),
    }),
  }),
};
