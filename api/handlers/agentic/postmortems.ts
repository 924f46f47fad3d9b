import { postmortemEvidence } from '../../../db/evidence';
import { postmortems as rows } from '../../../db/learning';
import { listPostmortems, postmortemByNumber, writtenOrBeing, type PostmortemView } from '../../../db/learning-queries';
import { runs } from '../../../db/runs';
import type { Read, Write } from '../../../db/tx';
import { Conflict, NotFound } from '../../../domain/errors';
import { edit, review, type Postmortem } from '../../../domain/learning';
import { postmortemEntry } from '../../../domain/learning-record';
import { synthesise } from '../../../pipeline/learning/synthesis';
import type { postmortems } from '../../contracts/agentic/postmortems';
import type { Ctx, Handlers } from '../../kernel';
import { postmortemView } from './learning-views';
import { assetsOf, promote } from './promotion';
import { assertPerson, heldTicket, isOthers, seenTicket } from './seen';
import { beginning, writtenSoon } from './synthesis';

/** @throws NotFound, for a foreign postmortem as for one that never was */
async function seen(ctx: Ctx, tx: Read, number: number): Promise<PostmortemView> {
  const found = await postmortemByNumber(tx, number);
  const { ticketId } = ctx.principal;
  if (!found || (ticketId !== null && found.ticketId !== ticketId)) throw new NotFound(`no postmortem ${number}`);
  return found;
}

const byPeople = 'a postmortem is reviewed and promoted by people';

/**
 * The run that a request names by agent or by task; null when it names none.
 * @throws NotFound when it worked on another ticket, or is another than the run whose credential this is
 */
async function runOf(
  ctx: Ctx,
  tx: Read,
  of: { agent_id?: number | undefined; task_id?: number | undefined },
  ticketId: string | null,
) {
  const { agent_id: agent, task_id: task } = of;
  if (agent === undefined && task === undefined) return null;
  const [run] = await runs.list(tx, 'where ($1::int is null or number = $1) and ($2::int is null or task_number = $2)', [
    agent ?? null, task ?? null,
  ]); // prettier-ignore
  if (!run || (ticketId !== null && run.ticketId !== ticketId) || isOthers(ctx, run))
    throw new NotFound(`no agent ${agent ?? `of task ${task}`}`);
  return run;
}

type Content = Pick<
  Postmortem,
  'summary' | 'wentWell' | 'improvements' | 'workflowProposal' | 'documentation' | 'skillProposals' | 'testCases' | 'guardrails'
>; // prettier-ignore
const empty: Content = {
  summary: '', wentWell: '', improvements: '', workflowProposal: '', documentation: '', skillProposals: [], testCases: [], guardrails: [],
}; // prettier-ignore

/** The parts that a body brings, under the names of the domain. */
const contentOf = (b: { [K in keyof typeof wire]?: unknown }): Partial<Content> =>
  Object.fromEntries(
    Object.entries(wire).flatMap(([theirs, ours]) => {
      const value = b[theirs as keyof typeof wire];
      return value === undefined ? [] : [[ours, value]];
    }),
  );
const wire = {
  summary: 'summary',
  went_well: 'wentWell',
  improvements: 'improvements',
  workflow_proposal: 'workflowProposal',
  documentation: 'documentation',
  skill_proposals: 'skillProposals',
  test_cases: 'testCases',
  guardrails: 'guardrails',
} as const;

type New = Pick<Postmortem, 'ticketId' | 'runId' | 'status' | 'createdBy'> &
  Partial<Content & Pick<Postmortem, 'synthesis'>>;

/** The row and its entry; a repeat of the request finds what the first one made. */
async function create(
  ctx: Ctx,
  tx: Write,
  made: New,
  kind: string,
  body: Record<string, unknown>,
): Promise<Postmortem> {
  const at = new Date().toISOString();
  const id = ctx.newId();
  const created = await rows.insert(tx, {
    ...empty, synthesis: null, ...made, id, tenantId: ctx.tenantId, number: 0, reviewNotes: null, reviewedBy: null, reviewedAt: null, createdAt: at,
    updatedAt: at, version: 1,
  }); // prettier-ignore
  if (created) {
    tx.log(postmortemEntry(ctx.actor, kind, created, body));
    return created;
  }
  const standing = await rows.byId(tx, id);
  if (!standing) throw new Error(`postmortem ${id} is neither there nor can be made`);
  return standing;
}

/** One version on, with its entry. @throws Conflict when somebody else was first */
async function move(
  ctx: Ctx,
  tx: Write,
  next: Postmortem,
  kind: string,
  body: Record<string, unknown>,
): Promise<Postmortem> {
  const moved = await rows.move(tx, { ...next, version: next.version + 1, updatedAt: new Date().toISOString() });
  if (!moved) throw new Conflict('the postmortem was changed meanwhile: read it again', { status: next.status });
  tx.log(postmortemEntry(ctx.actor, kind, moved, body));
  return moved;
}

export const postmortemHandlers: Handlers<typeof postmortems> = {
  listPostmortems: async ({ query }, ctx) => {
    const filter = { status: query.status ?? null, ticket: query.ticket_id ?? null, only: ctx.principal.ticketId };
    const found = await ctx.read((tx) => listPostmortems(tx, filter, query.limit, query.offset));
    return { postmortems: found.postmortems.map(postmortemView), total: found.total };
  },

  getEvidence: ({ params, query }, ctx) =>
    ctx.read(async (tx) => {
      const ticket = await seenTicket(ctx, tx, params.ticket_id);
      const evidence = await postmortemEvidence(tx, ticket.id, query);
      const { change_requests: changes, agent_tasks: tasks } = evidence;
      return {
        ...evidence,
        change_requests: changes.map((c) => ({ ...c })),
        agent_tasks: tasks.map((t) => ({ ...t })),
      };
    }),

  getPostmortem: ({ params }, ctx) =>
    ctx.read(async (tx) => {
      const found = await seen(ctx, tx, params.id);
      return { ...postmortemView(found), promotion_assets: await assetsOf(tx, found) };
    }),

  synthesizePostmortem: async ({ params, body }, ctx) => {
    const found = await ctx.write(async (tx) => {
      // Held, so that two who ask at once get one postmortem.
      const ticket = await heldTicket(ctx, tx, params.ticket_id);
      const run = await runOf(ctx, tx, body, ticket.id);
      const [standing] = await rows.list(
        tx,
        `where ticket_id = $1 and ${writtenOrBeing} order by number desc limit 1`,
        [ticket.id],
      );
      if (standing) return { row: standing, isNew: standing.id === ctx.newId() };
      const evidence = await postmortemEvidence(tx, ticket.id);
      const { kind, ...begins } = beginning(ctx);
      const row = await create(
        ctx,
        tx,
        {
          ...synthesise(evidence, body.reason ?? null),
          ticketId: ticket.id,
          runId: run?.id ?? null,
          ...begins,
          createdBy: body.created_by ?? ctx.actor.name,
        },
        kind,
        { label: body.created_by ?? null, reason: body.reason ?? null, by: 'rules' },
      );
      return { row, isNew: true };
    });
    const { number, synthesis } = await writtenSoon(ctx, found.row);
    const status = synthesis?.state === 'pending' ? 'draft' : found.isNew ? 'ready_for_review' : 'exists';
    return { status, postmortem_id: number };
  },

  createPostmortem: ({ body }, ctx) =>
    ctx.write(async (tx) => {
      const own = ctx.principal.ticketId;
      const ticketId = body.ticket_id === undefined ? own : (await seenTicket(ctx, tx, body.ticket_id)).id;
      const run = await runOf(ctx, tx, body, ticketId);
      const made = await create(
        ctx,
        tx,
        {
          ...contentOf(body),
          ticketId: ticketId ?? run?.ticketId ?? null,
          runId: run?.id ?? null,
          status: body.status ?? 'draft',
          createdBy: body.created_by ?? ctx.actor.name,
        },
        'postmortem.created',
        { label: body.created_by ?? null },
      );
      return { id: made.number, status: 'created' as const };
    }),

  updatePostmortem: ({ params, body }, ctx) =>
    ctx.write(async (tx) => {
      const standing = await seen(ctx, tx, params.id);
      const run = standing.runId === null ? null : await runs.byId(tx, standing.runId);
      if (run && isOthers(ctx, run)) throw new NotFound(`no postmortem ${params.id}`);
      const content = contentOf(body);
      const changed = Object.keys(content);
      const status = edit(standing.status, body.status ?? null, changed.length > 0);
      const next = { ...standing, ...content, status, reviewNotes: body.review_notes ?? standing.reviewNotes };
      await move(ctx, tx, next, 'postmortem.updated', { changed, from: standing.status });
      return { status: 'updated' as const, id: standing.number };
    }),

  reviewPostmortem: async ({ params, body }, ctx) => {
    assertPerson(ctx, byPeople);
    return ctx.write(async (tx) => {
      const standing = await seen(ctx, tx, params.id);
      const status = review(standing.status, body.approved) as 'approved' | 'needs_revision';
      const reviewNotes = body.review_notes ?? standing.reviewNotes;
      const next = {
        ...standing,
        status,
        reviewNotes,
        reviewedBy: ctx.actor.name,
        reviewedAt: new Date().toISOString(),
      };
      await move(ctx, tx, next, 'postmortem.reviewed', { from: standing.status, label: body.reviewed_by ?? null });
      return { id: standing.number, status };
    });
  },

  promotePostmortem: async ({ params, body }, ctx) => {
    assertPerson(ctx, byPeople);
    const found = await ctx.read((tx) => seen(ctx, tx, params.id));
    return promote(ctx, found, body);
  },
};
