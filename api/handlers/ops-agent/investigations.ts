import { insightsOf, ruleDrafts } from '../../../db/insights';
import { investigations as rows, listInvestigations } from '../../../db/investigations';
import { ticketNumbers, type TicketView } from '../../../db/ticket-queries';
import { traceOf, type Trace } from '../../../db/traces';
import { openRecommendations } from '../../../db/worklist';
import type { Read } from '../../../db/tx';
import { NotFound } from '../../../domain/errors';
import { reveal } from '../../../log/personal';
import type { investigations } from '../../contracts/ops-agent/investigations';
import type { Ctx, Handlers } from '../../kernel';
import { authorise } from '../../auth';
import { tracePage } from '../../pages/trace/page';
import { seenTicket } from '../agentic/seen';
import { cursorOf, readCursor } from './cursor';
import { resumeInvestigation, startInvestigation } from './start';
import { traceDocument } from './trace-document';
import { detailView, insightWithEvidence, recommendationView, ruleDraftView, summaryView } from './views';
import { decide } from './worklist';

/** Of a transaction, at most. */
const mostInsights = 200;

/** @throws NotFound, for a foreign one as for one that never was */
async function seen(ctx: Ctx, transactionId: string): Promise<void> {
  if (!(await ctx.kernel.transactions(ctx.tenantId, (work) => ctx.read(work)).find(transactionId)))
    throw new NotFound(`no transaction ${transactionId}`);
}

/** @throws NotFound */
async function readTrace(ctx: Ctx, tx: Read, id: string): Promise<Trace> {
  const trace = await traceOf(tx, id);
  if (!trace) throw new NotFound(`no investigation ${id}`);
  return { ...trace, moves: await reveal(tx, ctx.kernel.keyring, trace.moves) };
}

/** @throws Forbidden, NotFound */
function readable(ctx: Ctx, number: number): Promise<TicketView> {
  authorise(ctx.principal, 'tickets:read');
  return ctx.read((tx) => seenTicket(ctx, tx, number));
}

export const investigationHandlers: Handlers<typeof investigations> = {
  listInvestigations: ({ query }, ctx) =>
    ctx.read(async (tx) => {
      const { limit, offset } = query;
      const filter = { status: query.status ?? null, transactionId: query.transaction_id ?? null };
      const { items, total } = await listInvestigations(tx, filter, limit, offset);
      const numbers = await ticketNumbers(
        tx,
        items.flatMap((it) => it.ticketId ?? []),
      );
      return {
        items: items.map((it) => summaryView(it, numbers.get(it.ticketId ?? '') ?? null)),
        total,
        limit,
        offset,
      };
    }),

  runInvestigation: async ({ body }, ctx) => {
    const { mode, transaction_id: transactionId = null, ticket_id: number } = body;
    if (transactionId !== null) await seen(ctx, transactionId);
    const ticket = number === undefined ? null : await readable(ctx, number);
    const it = await startInvestigation(ctx, { mode, transactionId, ticketId: ticket?.id ?? null });
    return summaryView(it, ticket?.number ?? null);
  },

  getInvestigation: ({ params }, ctx) =>
    ctx.read(async (tx) => {
      const trace = await readTrace(ctx, tx, params.investigation_id);
      const { ticketId } = trace.investigation;
      const numbers = await ticketNumbers(tx, ticketId === null ? [] : [ticketId]);
      return detailView(ctx, trace, numbers.get(ticketId ?? '') ?? null);
    }),

  resumeInvestigation: async ({ params }, ctx) => {
    const it = await resumeInvestigation(ctx, params.investigation_id);
    const numbers = await ctx.read((tx) => ticketNumbers(tx, it.ticketId === null ? [] : [it.ticketId]));
    return summaryView(it, numbers.get(it.ticketId ?? '') ?? null);
  },

  getRuleDraft: ({ params }, ctx) =>
    ctx.read(async (tx) => {
      const id = params.investigation_id;
      if (!(await rows.byId(tx, id))) throw new NotFound(`no investigation ${id}`);
      const [draft] = await ruleDrafts.list(tx, 'where investigation_id = $1', [id]);
      if (!draft) throw new NotFound(`no rule draft of investigation ${id}`);
      return ruleDraftView(draft);
    }),

  getTrace: async ({ params }, ctx) => {
    const trace = await ctx.read((tx) => readTrace(ctx, tx, params.investigation_id));
    return tracePage(traceDocument(trace));
  },

  getTransactionInsights: async ({ params }, ctx) => {
    const id = params.transaction_id;
    await seen(ctx, id);
    const found = await ctx.read((tx) => insightsOf(tx, id, mostInsights));
    return { transaction_id: id, insights: found.map((f) => insightWithEvidence(f.insight, f.evidence)) };
  },

  listRecommendations: async ({ query }, ctx) => {
    const severity = query.severity ?? null;
    const after = query.cursor === undefined ? null : readCursor(query.cursor, severity);
    // One more than is shown says whether there is a next page.
    const found = await ctx.read((tx) => openRecommendations(tx, { severity, after, limit: query.limit + 1 }));
    const items = found.slice(0, query.limit);
    const last = items.at(-1);
    return {
      items: items.map(recommendationView),
      next_cursor: last && found.length > items.length ? cursorOf(last, severity) : null,
    };
  },

  acknowledgeRecommendation: async ({ params, body }, ctx) => {
    const { action } = body;
    const decided = await decide(ctx, params.recommendation_id, { action, comment: body.comment ?? null });
    return {
      recommendation_id: decided.id,
      status: decided.status === 'OPEN' ? action : decided.status,
      acknowledged_by: decided.decidedBy?.name ?? '',
      acknowledged_at: decided.decidedAt ?? '',
      comment: decided.comment,
    };
  },
};
