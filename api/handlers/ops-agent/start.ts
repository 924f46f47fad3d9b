import { workingAgent } from '../../../db/agents';
import { movedBy } from '../../../db/changes';
import { investigations } from '../../../db/investigations';
import { Conflict, NotFound } from '../../../domain/errors';
import { step, subjectOf, type Investigation, type InvestigationMode } from '../../../domain/investigation';
import { begun, investigation, resumed, type InvestigationInput } from '../../../workflows/investigation';
import type { Start } from '../../../workflows/start';
import type { Ctx } from '../../kernel';
import { Gone } from '../../temporal';
import { refOf } from './views';

/** Which agent's grants an investigation goes by. */
const investigator = 'analyst';

const startOf = (
  ctx: Ctx,
  input: Pick<InvestigationInput, 'investigation' | 'resume'>,
  attempt: number,
): Start<[InvestigationInput]> => {
  const { investigation: it } = input;
  const { temporal } = ctx.kernel;
  const { investigationDeadlineMs: deadlineMs } = ctx.kernel.config;
  return {
    ref: refOf({ ...it, attempt }),
    args: [{ ...input, deadlineMs, patienceMs: deadlineMs / 4, agents: temporal.queues.agents }],
    summary: `Investigation of ${subjectOf(it)} (${it.mode})`,
    status: it.status,
    ticketId: it.ticketId,
    agentId: it.agentId,
    again: true,
  };
};

const rowOf = (ctx: Ctx, id: string): Promise<Investigation | null> => ctx.read((tx) => investigations.byId(tx, id));

/** Starts one, or finds the one that this request started before. */
export async function startInvestigation(
  ctx: Ctx,
  of: { mode: InvestigationMode } & Pick<Investigation, 'transactionId' | 'ticketId'>,
): Promise<Investigation> {
  const id = ctx.newId('investigation');
  const { stands, working } = await ctx.read(async (tx) => ({
    stands: ctx.repeatable ? await investigations.byId(tx, id) : null,
    working: await workingAgent(tx, investigator),
  }));
  if (stands) return stands;
  if (!working) throw new Conflict(`the agent ${investigator} may not work here now`, { agent: investigator });
  const it: Investigation = {
    id, tenantId: ctx.tenantId, ...of, agentId: working.agent.id, status: 'PENDING', steps: 0, attempt: 1, severity: null, confidence: null, conclusion: null, error: null, startedBy: ctx.actor,
    createdAt: new Date().toISOString(), finishedAt: null, version: 1,
  }; // prettier-ignore
  try {
    return await ctx.kernel.temporal.open(investigation, begun, startOf(ctx, { investigation: it }, 1));
  } catch (e) {
    const row = e instanceof Gone ? await rowOf(ctx, id) : null; // over already: it was quick
    if (!row) throw e;
    return row;
  }
}

/**
 * Has what ended without a conclusion go on, in a workflow of its own; of two at the same time, one.
 * @throws Conflict naming the state that stands
 */
export async function resumeInvestigation(ctx: Ctx, id: string): Promise<Investigation> {
  const transition = `resume:${ctx.newId(`resume:${id}`)}`;
  const { it, mine } = await ctx.read(async (tx) => ({
    it: await investigations.byId(tx, id),
    mine: ctx.repeatable && (await movedBy(tx, id, transition)),
  }));
  if (!it) throw new NotFound(`no investigation ${id}`);
  if (mine) return it; // a repeat of one whose answer was lost
  const { attempt } = step(it, { type: 'resume' }, it.createdAt); // whether it may
  const start = startOf(ctx, { investigation: it, resume: { transition, by: ctx.actor } }, attempt);
  try {
    return await ctx.kernel.temporal.open(investigation, resumed, start, transition);
  } catch (e) {
    if (!(e instanceof Gone)) throw e;
    const after = await ctx.read(async (tx) => ({
      row: await investigations.byId(tx, id),
      mine: await movedBy(tx, id, transition),
    }));
    if (after.row && after.mine) return after.row; // it was quick
    throw new Conflict(`the investigation is ${after.row?.status}`, { status: after.row?.status ?? null });
  }
}
