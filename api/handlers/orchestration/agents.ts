import {
  heldWorkAgent,
  listWorkAgents,
  saveNewWork,
  saveWork,
  workAgent,
  type WorkAgent,
} from '../../../db/agent-work';
import { agentById, agents, grantCapabilities } from '../../../db/agents';
import { newExternalAgent } from '../../../domain/agent';
import { whyNotMoved, workStatusOf } from '../../../domain/agent-work';
import { Conflict, NotFound } from '../../../domain/errors';
import { harnessEntry } from '../../../domain/harnesses';
import type { NewEntry } from '../../../domain/log';
import { remoteHarness } from '../../../domain/remote-harness';
import { analystTools } from '../../../log/new-tenant';
import { badRequest } from '../../auth';
import type { workAgents } from '../../contracts/orchestration/agents';
import { idOf, pageOf } from '../../contracts/orchestration/door';
import type { Ctx, Handlers } from '../../kernel';
import { registryHandlers } from '../agent-ops/registry';
import { scheduleSoon } from '../agent-ops/schedule';
import { agentView, listedAgentView } from './views';

/** @throws NotFound, for a foreign agent and a deleted one as for one that never was */
const must = <T>(found: T | null, number: number): T => {
  if (!found) throw new NotFound(`no agent ${idOf('agent', number)}`);
  return found;
};

const entry = (ctx: Ctx, kind: string, agent: Pick<WorkAgent, 'id' | 'name'>, body: object): NewEntry => ({
  kind,
  actor: ctx.actor,
  subject: { kind: 'agent', id: agent.id },
  agentId: agent.id,
  body: { name: agent.name, ...body },
});

const nameTaken = (e: unknown, name: string | undefined): never => {
  if ((e as { constraint?: unknown } | null)?.constraint !== 'agents_name') throw e;
  throw new Conflict(`there is an agent ${name ?? ''} already`, { field: 'name' });
};

export const workAgentHandlers: Handlers<typeof workAgents> = {
  listWorkAgents: async ({ query }, ctx) => {
    const filter = { status: query.status ?? null, type: query.type ?? null };
    const { rows, total } = await ctx.read((tx) => listWorkAgents(tx, filter, query));
    return pageOf(query, rows.map(listedAgentView), total);
  },

  getWorkAgent: async ({ params: { agent_id: number } }, ctx) =>
    agentView(must(await ctx.read((tx) => workAgent(tx, number)), number)),

  createWorkAgent: async ({ body }, ctx) => {
    const harness = body.harness ?? remoteHarness.name;
    const kind = harnessEntry(harness, Object.keys(ctx.kernel.config.agents.commands))?.kind;
    if (kind === undefined) throw badRequest(`harness: there is no ${harness} here`, 'harness');
    const id = ctx.newId();
    const made = await ctx.write(async (tx) => {
      const written = await agents.insert(tx, {
        ...newExternalAgent({ id, tenantId: ctx.tenantId, name: body.name, description: '' }),
        runtime: 'managed_agents', harness, capabilities: kind === 'remote' ? [] : analystTools,
        configuration: body.configuration ?? {},
      }); // prettier-ignore
      if (!written) {
        const stands = ctx.repeatable ? await agentById(tx, id) : null;
        if (!stands) throw new Conflict(`there is an agent ${body.name} already`, { field: 'name' });
        return must(await workAgent(tx, stands.number), stands.number);
      }
      await saveNewWork(tx, id, { workType: body.type, environment: body.environment ?? 'production' });
      await grantCapabilities(tx, written);
      tx.log(entry(ctx, 'agent.registered', written, { said: { ...body } }));
      return must(await workAgent(tx, written.number), written.number);
    });
    return agentView(made);
  },

  updateWorkAgent: async ({ params: { agent_id: number }, body }, ctx) => {
    const { status, ...said } = body;
    const after = await ctx
      .write(async (tx) => {
        const known = must(await workAgent(tx, number), number);
        const before = must(await heldWorkAgent(tx, known.id), number);
        const was = workStatusOf(before);
        const why = status === undefined || status === was ? null : whyNotMoved(was, status);
        if (why !== null) throw new Conflict(why, { field: 'status', status: was });
        if (!Object.keys(body).length) return before;
        const moves = status !== undefined && status !== was;
        await saveWork(tx, before.id, { ...said, ...(moves && { status: status === 'active' ? 'ACTIVE' : 'PAUSED' }) });
        const now = must(await workAgent(tx, number), number);
        tx.log(entry(ctx, 'agent.updated', now, { said: { ...body }, was, status: workStatusOf(now) }));
        return now;
      })
      .catch((e: unknown) => nameTaken(e, body.name));
    scheduleSoon(ctx, after);
    return agentView(after);
  },

  deleteWorkAgent: async ({ params: { agent_id: number } }, ctx) => {
    const { id } = must(await ctx.read((tx) => workAgent(tx, number)), number);
    await registryHandlers.deleteRegistered({ params: { id }, query: undefined, body: undefined }, ctx);
    const gone = must(await ctx.read((tx) => agents.byId(tx, id)), number);
    return { message: 'Agent deleted successfully' as const, deleted_at: gone.deletedAt ?? gone.updatedAt };
  },
};
