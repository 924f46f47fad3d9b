import type { z } from 'zod';
import {
  agentById, agents, appendVersion, currentDefinition, grantCapabilities, listAgents, lockAgent, revokeKeysOf, saveAgent, versionById,
} from '../../../db/agents'; // prettier-ignore
import { draftRun } from '../../../db/own-work';
import { aliveRunsOf } from '../../../db/run-queries';
import { runs } from '../../../db/runs';
import type { Read } from '../../../db/tx';
import { idleReason, type Agent, type Definition } from '../../../domain/agent';
import { Conflict, NotFound } from '../../../domain/errors';
import type { NewEntry } from '../../../domain/log';
import { workflowId } from '../../../workflows/ids';
import { analystTools } from '../../../log/new-tenant';
import { pageOf } from '../../contracts/agent-ops/door';
import type { registry } from '../../contracts/agent-ops/registry';
import type { Ctx, Handlers } from '../../kernel';
import { openRun, stopRun } from '../agentic/spawn';
import { scheduleSoon } from './schedule';
import { agentView, statusOf } from './views';

/** @throws NotFound, for a foreign agent and a deleted one as for one that never was */
const must = <T>(found: T | null, id: string): T => {
  if (!found) throw new NotFound(`no agent ${id}`);
  return found;
};
const held = async (tx: Read, id: string): Promise<Agent> => must(await lockAgent(tx, id), id);

const entry = (ctx: Ctx, kind: string, agent: Agent, body: Record<string, unknown>): NewEntry => ({
  kind,
  actor: ctx.actor,
  subject: { kind: 'agent', id: agent.id },
  agentId: agent.id,
  body: { name: agent.name, ...body },
});

type Given = Partial<
  Pick<Agent, 'agentType' | 'capabilities' | 'configuration' | 'description' | 'runtime' | 'timezone' | 'schedule'>
> & { displayName?: string; status?: Agent['status'] };

/** What a body says, in the domain's words; what it leaves out is not there. */
const given = (body: z.output<NonNullable<(typeof registry)['updateRegistered']['body']>>): Given =>
  Object.fromEntries(
    Object.entries({
      displayName: body.display_name,
      description: body.description,
      agentType: body.agent_type,
      status: body.status && statusOf(body.status),
      runtime: body.runtime,
      schedule: body.schedule,
      timezone: body.timezone,
      capabilities: body.capabilities,
      configuration: body.configuration,
    }).filter(([, value]) => value !== undefined),
  );

/** A schedule opens runs with the rights of whoever set it. */
const scheduled = (ctx: Ctx, said: Given): Partial<Pick<Agent, 'scheduledBy' | 'scheduledScopes'>> =>
  said.schedule == null ? {} : { scheduledBy: ctx.actor, scheduledScopes: [...ctx.principal.scopes] };

/** An external agent's work is not ours; of those that work here there is one harness. */
const harnessOf = (runtime: Agent['runtime']): string => (runtime === 'external' ? 'external' : 'embedded');

export const registryHandlers: Handlers<typeof registry> = {
  listRegistry: async ({ query }, ctx) => {
    const { agent_type, status, cursor, limit } = query;
    const filter = { type: agent_type ?? null, status: status ? statusOf(status) : null, after: cursor ?? null };
    return pageOf(await ctx.read((tx) => listAgents(tx, filter, limit + 1)), limit, agentView);
  },

  registerAgent: async ({ body }, ctx) => {
    const registered = await ctx.write(async (tx) => {
      const said = given(body);
      const runtime = said.runtime ?? 'managed_agents';
      const id = ctx.newId();
      const agent: Agent = {
        id, tenantId: ctx.tenantId, number: 0, name: body.name, displayName: null, description: '', agentType: 'scheduled_task',
        status: 'ACTIVE', harness: harnessOf(runtime), model: null, runtime, schedule: null, timezone: 'UTC',
        capabilities: runtime === 'external' ? [] : analystTools, configuration: {}, lastRunAt: null, lastSuccessAt: null,
        lastFailureAt: null, consecutiveFailures: 0, currentVersion: 0, ticketId: null, scheduledBy: null, scheduledScopes: [],
        createdAt: '', updatedAt: '', deletedAt: null, ...said, ...scheduled(ctx, said),
      }; // prettier-ignore
      const written = await agents.insert(tx, agent);
      if (!written) {
        const stands = ctx.repeatable ? await agentById(tx, id) : null;
        if (stands) return stands;
        throw new Conflict(`there is an agent ${body.name} already`, { field: 'name' });
      }
      await grantCapabilities(tx, written);
      tx.log(entry(ctx, 'agent.registered', written, { said: { ...body } }));
      return written;
    });
    if (registered.schedule !== null) scheduleSoon(ctx, registered);
    return agentView(registered);
  },

  getRegistered: async ({ params }, ctx) =>
    agentView(must(await ctx.read((tx) => agentById(tx, params.id)), params.id)),

  updateRegistered: async ({ params, body }, ctx) => {
    const updated = await ctx.write(async (tx) => {
      const before = await held(tx, params.id);
      const said = given(body);
      if (!Object.keys(said).length) return before;
      const runtime = said.runtime ?? before.runtime;
      const harness = runtime === before.runtime ? before.harness : harnessOf(runtime);
      const after = await saveAgent(tx, { ...before, ...said, ...scheduled(ctx, said), harness });
      if (said.capabilities) await grantCapabilities(tx, after);
      tx.log(entry(ctx, 'agent.updated', after, { said: { ...body } }));
      return after;
    });
    scheduleSoon(ctx, updated);
    return agentView(updated);
  },

  deleteRegistered: async ({ params }, ctx) => {
    // First, so that where a run cannot be stopped nothing is deleted. One that begins meanwhile gets no call through.
    const { name, alive } = await ctx.read(async (tx) => ({
      ...must(await agentById(tx, params.id), params.id),
      alive: await aliveRunsOf(tx, params.id),
    }));
    for (const run of alive) await stopRun(ctx, run, { reason: `agent ${name} was deleted`, terminate: true });
    const deleted = await ctx.write(async (tx) => {
      const agent = await held(tx, params.id);
      await saveAgent(tx, { ...agent, status: 'DISABLED', deletedAt: new Date().toISOString() });
      const keys = await revokeKeysOf(tx, agent.id);
      tx.log(entry(ctx, 'agent.deleted', agent, { was: agent.status, keys_revoked: keys }));
      return agent;
    });
    scheduleSoon(ctx, deleted);
  },

  testRun: async ({ params, body }, ctx) => {
    const id = ctx.newId();
    const existing = ctx.repeatable ? await ctx.read((tx) => runs.byId(tx, id)) : null;
    const run = existing ?? (await startByHand(ctx, params.id, id, body.trigger_context));
    return {
      run_id: run.id,
      session_id: workflowId('agentRun', ctx.tenantId, run.id),
      trigger_kind: 'manual' as const,
    };
  },

  defineAgent: ({ params, body }, ctx) =>
    ctx.write(async (tx) => {
      const agent = await held(tx, params.id);
      const id = ctx.newId();
      const known = ctx.repeatable ? await versionById(tx, agent.id, id) : null;
      if (known) {
        const name = known.definition.name ?? agent.name;
        return { id: agent.id, name, current_version: known.version, updated_at: known.createdAt };
      }
      const before = (await currentDefinition(tx, agent))?.definition ?? {};
      const definition: Definition = { ...before, ...body.agent };
      const { capabilities } = body.agent;
      if (capabilities) await grantCapabilities(tx, await saveAgent(tx, { ...agent, capabilities }));
      const after = await appendVersion(tx, agent, { id, definition, by: ctx.actor });
      // What it may call, and might before, is not only in the definition: whoever reads the log looks for it there.
      const granted = capabilities && { capabilities: { before: agent.capabilities, after: capabilities } };
      const said = { version: after.currentVersion, changed: Object.keys(body.agent), ...granted };
      tx.log(entry(ctx, 'agent.defined', after, said));
      return {
        id: agent.id,
        name: definition.name ?? agent.name,
        current_version: after.currentVersion,
        updated_at: after.updatedAt,
      };
    }),
};

/** @throws Conflict for an agent that may not run here now */
async function startByHand(ctx: Ctx, agentId: string, id: string, context: Record<string, unknown>) {
  const { ticket, run } = await ctx.write(async (tx) => {
    const agent = await held(tx, agentId);
    const idle = idleReason(agent);
    if (idle !== null) throw new Conflict(idle, { status: agent.status.toLowerCase(), runtime: agent.runtime });
    return draftRun(tx, agent, { id, kind: 'manual', context, by: ctx.actor, scopes: ctx.principal.scopes });
  });
  return openRun(ctx, ticket, run);
}
