import { headForm } from '../../../domain/log';
import { z } from 'zod';
import { actorKinds } from '../../../domain/principal';
import { operation } from '../../operation';
import { Instant, name, timeOrDay, wholeOr } from '../shapes';

const tag = 'audit';

/** A row of the log as this door shows it; `metadata_json` is what `metadata_sha256` in the receipt commits to. */
export const AuditRow = z.object({
  id: z.uuid(),
  seq: z.int().describe('Place in the log: the id of the event in /events/stream'),
  tenant_id: z.uuid(),
  agent_id: z.uuid().nullable(),
  action: z.string(),
  tool: z.string().nullable(),
  decision: z.string(),
  reason: z.string().nullable(),
  metadata_json: z.record(z.string(), z.unknown()),
  request_id: z.string().nullable(),
  event_hash: z.string(),
  prev_hash: z.string(),
  timestamp: Instant,
  chain_shard: z.int(),
  hash_version: z.literal(1),
  actor: z.object({ id: z.string().nullable(), kind: z.enum(actorKinds), name: z.string() }),
});

const number = z.number().min(0);
/** The tiles of the audit and the risk page; a threat is a call that was refused. */
export const CallSummaryView = z.object({
  total_calls: z.int(),
  total_denials: z.int(),
  active_agents_count: z.int(),
  most_used_tool: z.string().nullable(),
  total_requests: z.int(),
  blocked_requests: z.int(),
  allowed_requests: z.int(),
  avg_risk_score: number,
  requests_by_hour: z
    .array(z.object({ hour: z.int(), count: z.int() }))
    .describe('By hour of the day (UTC), 24 of them'),
  risk_distribution: z.object({ critical: z.int(), high: z.int(), medium: z.int(), low: z.int() }),
  threats_blocked: z.int(),
  high_risk_agents: z.int().describe('Agents with a call of a risk of 0.7 or more'),
  metadata: z.object({
    top_risky_agents: z.array(z.object({ agent_id: z.uuid(), avg_risk: number, calls: z.int(), denied: z.int() })),
    anomaly_trends: z.array(z.object({ date: z.iso.date(), count: z.int() })),
  }),
});

/** A day or a time; the end of a range includes the whole day. */
export const start = timeOrDay('00:00:00');
export const end = timeOrDay('23:59:59.999999');

export const audit = {
  listAuditLogs: operation({
    route: 'GET /audit/logs',
    tag,
    summary: 'The audit log, newest first',
    access: 'audit:read',
    query: z.object({
      agent_id: z.uuid().optional(),
      action: name(100).optional(),
      decision: name(50).optional(),
      tool: name(200).optional(),
      start_date: start.optional(),
      end_date: end.optional(),
      limit: wholeOr(10, 1, 1000),
      offset: wholeOr(0, 0, 2_147_483_647),
    }),
    output: z.object({ total: z.int(), limit: z.int(), offset: z.int(), items: z.array(AuditRow) }),
    aliases: ['/v1/audit/logs'],
  }),
  searchAuditLogs: operation({
    route: 'POST /audit/logs/search',
    tag,
    summary: 'The audit log by its columns and by what its metadata holds, newest first',
    access: 'audit:read',
    body: z.object({
      agent_id: z.uuid().optional(),
      action: name(100).optional(),
      decision: name(50).optional(),
      tool: name(200).optional(),
      start_date: start.optional(),
      end_date: end.optional(),
      metadata_filter: z
        .record(z.string(), z.unknown())
        .refine((filter) => JSON.stringify(filter).length <= 4_096, 'is longer than 4096 characters')
        .optional()
        .describe(
          'What `metadata_json` has to contain; looked for in the newest twenty thousand entries that fit the rest',
        ),
      limit: z.int().min(1).max(100).default(20),
      offset: z.int().min(0).max(2_147_483_647).default(0),
    }),
    output: z.object({
      total: z.int(),
      limit: z.int(),
      offset: z.int(),
      items: z.array(AuditRow),
      complete: z.boolean().describe('False: there are older entries that metadata_filter did not look into'),
    }),
    aliases: ['/v1/audit/logs/search'],
  }),
  summariseAuditLogs: operation({
    route: 'GET /audit/logs/summary',
    tag,
    summary: 'The tiles: calls, refusals, agents and risk of the last days',
    access: 'audit:read',
    query: z.object({ days: wholeOr(30, 1, 90), agent_id: z.uuid().optional() }),
    output: CallSummaryView,
    aliases: ['/v1/audit/logs/summary'],
  }),
  verifyAuditLogs: operation({
    route: 'GET /audit/logs/verify',
    tag,
    summary: 'Recompute both hash chains, contents and receipts of the whole log; a broken chain is an answer too',
    access: 'audit:read',
    query: z.object({
      head: z
        .string()
        .regex(headForm, 'not a head: seq.hash.fingerprint.signature, as an earlier verification answered it')
        .optional()
        .describe('The head that an earlier verification answered, kept elsewhere'),
    }),
    output: z.object({
      valid: z.boolean(),
      is_integrous: z.boolean(),
      rows_checked: z.int(),
      processed_count: z.int(),
      error_count: z.int(),
      violations: z
        .array(
          z.object({
            request_id: z.string().nullable(),
            shard: z.int().nullable(),
            error: z.string(),
            expected_prev: z.string().nullable(),
            actual_prev: z.string().nullable(),
            audit_id: z.string().nullable(),
            seq: z.int().nullable(),
          }),
        )
        .describe('The first hundred'),
      head: z
        .string()
        .nullable()
        .describe(
          'Where the log ends, signed: keep it elsewhere and give it back, and a log that was taken back is found',
        ),
      tenant_id: z.uuid(),
    }),
    aliases: ['/v1/audit/logs/verify'],
  }),
};
