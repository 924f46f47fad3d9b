import { auditTrail, type TrailFilter, type TrailRow } from '../../../db/audit-trail';
import { overviewOf } from '../../../db/overview';
import { reveal } from '../../../log/personal';
import { activeStatuses, endedStatuses } from '../../../domain/run';
import type { overview } from '../../contracts/agentic/overview';
import type { Handlers } from '../../kernel';

const recent = 30;
const all: Omit<TrailFilter, 'only' | 'limit'> = {
  source: null, actor: null, action: null, target: null, category: null, level: null, text: null, ticket: null, agent: null,
}; // prettier-ignore

const trailView = (r: TrailRow) => ({
  id: r.id,
  source: r.source,
  actor: r.actor,
  action: r.action,
  target: r.target,
  category: r.category,
  level: r.level,
  details: r.decision === null ? r.details : { ...r.details, decision: r.decision },
  summary:
    r.source === 'note'
      ? (r.reason ?? '')
      : `${r.action.replaceAll('_', ' ')}: ${r.target} by ${r.actor}${r.reason ? `: ${r.reason}` : ''}`,
  ticket_id: r.ticketNumber,
  agent_id: r.runNumber,
  created_at: r.at,
});

const sum = (counts: readonly { count: number }[]): number => counts.reduce((n, c) => n + c.count, 0);

export const overviewHandlers: Handlers<typeof overview> = {
  dashboardStats: async (_input, ctx) => {
    const [now, { rows }] = await ctx.read((tx) =>
      Promise.all([overviewOf(tx), auditTrail(tx, { ...all, only: ctx.principal.ticketId, limit: recent })]),
    );
    const readable = await ctx.read((tx) => reveal(tx, ctx.kernel.keyring, rows));
    const { agents } = now;
    const among = (statuses: readonly string[]): number => sum(agents.filter((a) => statuses.includes(a.status)));
    const [total, history, active] = [sum(agents), among(endedStatuses), among(activeStatuses)];
    return {
      tickets: { ...now.tickets, trend: now.trend },
      agents: {
        active,
        queued: among(['spawned']),
        waiting: total - history - active,
        stalled: now.stalled,
        history,
        open: total - history,
        total,
        distribution: agents,
      },
      changes: { pending: now.pendingChanges },
      tools: now.tools,
      recent_activity: readable.map(trailView),
    };
  },

  dashboardAudit: async ({ query }, ctx) => {
    const { rows, complete } = await ctx.read((tx) =>
      auditTrail(tx, {
        only: ctx.principal.ticketId,
        source: query.source ?? null,
        actor: query.actor ?? null,
        action: query.action ?? null,
        target: query.target ?? null,
        category: query.category ?? null,
        level: query.level ?? null,
        text: query.q ?? null,
        ticket: query.ticket_id ?? null,
        agent: query.agent_id ?? null,
        limit: query.limit,
      }),
    );
    const readable = await ctx.read((tx) => reveal(tx, ctx.kernel.keyring, rows));
    return { audit: readable.map(trailView), count: rows.length, complete };
  },
};
