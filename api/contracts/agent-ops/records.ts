import { z } from 'zod';
import { operation } from '../../operation';
import { Instant, name, prose } from '../shapes';
import { at, Happened, keysetPage, listed, Since } from './door';

/** Rows of one call. */
const most = 1_000;

/** Any JSON, as long as a page of text. */
const anything = z.unknown().refine((v) => JSON.stringify(v ?? null).length <= 20_000, 'longer than 20000 characters');
const agent = { agent_name: name(200) };

/** A kind of record: how it is read, and how one or many at once are written. */
const kindOf = <B extends z.ZodObject, R extends z.ZodType, F extends z.ZodRawShape>(
  path: `/${string}`,
  what: string,
  { body, row, filters }: { body: B; row: R; filters: F },
) => {
  const tag = path.slice(1);
  return {
    list: operation({
      ...at('GET', path),
      tag,
      summary: `List ${what}, newest first`,
      access: 'agent-ops:read',
      query: keysetPage.extend({ agent_name: name(200).optional(), since: Since.optional(), ...filters }),
      ...listed(row),
    }),
    record: operation({
      ...at('POST', path),
      tag,
      summary: `Record ${what}: one, or up to ${most} in a list, all or none`,
      access: 'agent-ops:write',
      status: 201,
      body: z.union([body, z.array(body).min(1).max(most)]),
      output: z.union([row, z.array(row)]),
    }),
  };
};

const metrics = kindOf('/metrics', 'what agents measured', {
  body: z.object({ ...agent, metric: name(200), value: z.number(), recorded_at: Happened.nullish() }),
  row: z.object({ id: z.uuid(), agent_name: z.string(), metric: z.string(), value: z.number(), recorded_at: Instant }),
  filters: { metric: name(200).optional() },
});

const toolLog = kindOf('/tool-log', 'calls of tools', {
  body: z.object({
    ...agent,
    tool: name(200),
    run_id: name(200).nullish().describe('A uuid or an eve_id, as the reporter has it'),
    status: name(50).default('completed'),
    input: anything.optional(),
    output: anything.optional(),
    duration_ms: z.int().min(0).nullish(),
  }),
  row: z.object({
    id: z.uuid(),
    agent_name: z.string(),
    run_id: z.string().nullable(),
    tool: z.string(),
    status: z.string(),
    input: z.unknown(),
    output: z.unknown(),
    duration_ms: z.int().nullable(),
    created_at: Instant,
  }),
  filters: { tool: name(200).optional(), run_id: name(200).optional() },
});

export const ReportRunShape = z.object({
  id: z.uuid(),
  agent_name: z.string(),
  report_type: z.string(),
  status: z.string(),
  period: z.string().nullable(),
  summary: z.string().nullable(),
  created_at: Instant,
});
const reportRuns = kindOf('/report-runs', 'reports that agents delivered', {
  body: z.object({
    ...agent,
    report_type: name(200),
    status: name(50).default('completed'),
    period: name(100).nullish(),
    summary: prose.nullish(),
  }),
  row: ReportRunShape,
  filters: { report_type: name(200).optional() },
});

export const records = {
  listMetrics: metrics.list,
  recordMetrics: metrics.record,
  listToolCalls: toolLog.list,
  recordToolCalls: toolLog.record,
  listReportRuns: reportRuns.list,
  recordReportRuns: reportRuns.record,
};
