import {
  deleteGrant, doorAgent, doorTiles, grantedTools, grantsOf, insertGrant, listDoorAgents, saveDoorFields, type DoorAgent, type DoorFields,
} from '../../../db/agent-door'; // prettier-ignore
import { agentProfile } from '../../../db/agent-profile';
import { agents } from '../../../db/agents';
import { newExternalAgent, standingOf, type DoorStatus } from '../../../domain/agent';
import { Conflict, NotFound } from '../../../domain/errors';
import type { NewEntry } from '../../../domain/log';
import type { doorAgents } from '../../contracts/aegis/agents';
import type { Ctx, Handlers } from '../../kernel';
import { registryHandlers } from '../agent-ops/registry';
import { scheduleSoon } from '../agent-ops/schedule';

/** What clients know without asking, whether or not somebody is granted it. */
const usualTools = [
  'read_file', 'write_file', 'execute_code', 'web_search', 'send_email', 'query_database', 'call_api', 'list_files',
]; // prettier-ignore

const view = (a: DoorAgent) => ({ ...a, org_id: a.tenant_id });

/** @throws NotFound, for a foreign agent and a deleted one as for one that never was */
const must = <T>(found: T | null, id: string): T => {
  if (!found) throw new NotFound(`no agent ${id}`);
  return found;
};

const entry = (ctx: Ctx, kind: string, agent: Pick<DoorAgent, 'id' | 'name'>, body: object): NewEntry => ({
  kind,
  actor: ctx.actor,
  subject: { kind: 'agent', id: agent.id },
  agentId: agent.id,
  body: { name: agent.name, ...body },
});

const standing = (ctx: Ctx, status: DoorStatus | undefined, reason: string | undefined): DoorFields['standing'] => {
  if (status === undefined) return undefined;
  const stands = standingOf(status);
  return { ...stands, because: stands.restriction === null ? null : (reason ?? `set by ${ctx.actor.name}`) };
};

const nameTaken = (e: unknown, name: string | undefined): never => {
  if ((e as { constraint?: unknown } | null)?.constraint !== 'agents_name') throw e;
  throw new Conflict(`there is an agent ${name ?? ''} already`, { field: 'name' });
};

export const doorAgentHandlers: Handlers<typeof doorAgents> = {
  listDoorAgents: async ({ query }, ctx) => {
    const { page, size, status, owner_id: ownerId } = query;
    const filter = { status: status ?? null, ownerId: ownerId ?? null };
    const { items, total } = await ctx.read((tx) => listDoorAgents(tx, filter, { page, size }));
    return { items: items.map(view), total, page, size, pages: Math.ceil(total / size) };
  },
  summariseDoorAgents: (_input, ctx) => ctx.read(doorTiles),
  getDoorAgent: async ({ params: { agent_id: id } }, ctx) => view(must(await ctx.read((tx) => doorAgent(tx, id)), id)),
  profileDoorAgent: ({ params: { agent_id: id } }, ctx) =>
    ctx.read(async (tx) => {
      const { id: known } = must(await doorAgent(tx, id), id);
      return agentProfile(tx, known);
    }),

  createDoorAgent: async ({ body }, ctx) => {
    const id = ctx.newId();
    const made = await ctx.write(async (tx) => {
      const first = newExternalAgent({ id, tenantId: ctx.tenantId, name: body.name, description: body.description });
      const written = await agents.insert(tx, first);
      if (!written) {
        const stands = ctx.repeatable ? await doorAgent(tx, id) : null;
        if (stands) return stands;
        throw new Conflict(`there is an agent ${body.name} already`, { field: 'name' });
      }
      await saveDoorFields(tx, id, { ownerId: body.owner_id, riskLevel: body.risk_level, metadata: body.metadata });
      tx.log(entry(ctx, 'agent.registered', written, { said: { ...body } }));
      return must(await doorAgent(tx, id), id);
    });
    return view(made);
  },

  updateDoorAgent: async ({ params: { agent_id: id }, body }, ctx) => {
    const { reason, status, risk_level: riskLevel, ...said } = body;
    const after = await ctx
      .write(async (tx) => {
        const before = must(await doorAgent(tx, id), id);
        await saveDoorFields(tx, id, { ...said, riskLevel, standing: standing(ctx, status, reason) });
        const now = must(await doorAgent(tx, id), id);
        tx.log({
          ...entry(ctx, 'agent.updated', now, { said: { ...body }, was: before.status }),
          reason: reason ?? null,
        });
        return now;
      })
      .catch((e: unknown) => nameTaken(e, body.name));
    scheduleSoon(ctx, after);
    return view(after);
  },

  deleteDoorAgent: async ({ params: { agent_id: id } }, ctx) => {
    await registryHandlers.deleteRegistered({ params: { id }, query: undefined, body: undefined }, ctx);
    const gone = must(await ctx.read((tx) => doorAgent(tx, id, true)), id);
    return { id: gone.id, deleted_at: gone.deleted_at ?? gone.updated_at };
  },

  listPermissions: ({ params: { agent_id: id } }, ctx) =>
    ctx.read(async (tx) => grantsOf(tx, must(await doorAgent(tx, id), id).id)),

  grantPermission: ({ params: { agent_id: agentId }, body }, ctx) =>
    ctx.write(async (tx) => {
      const agent = must(await doorAgent(tx, agentId), agentId);
      const id = ctx.newId();
      const granted = await insertGrant(tx, {
        id, agent_id: agent.id, tool_name: body.tool_name, action: body.action, granted_by: body.granted_by ?? ctx.actor.name,
        expires_at: body.expires_at ?? null,
      }); // prettier-ignore
      if (!granted) {
        const stands = ctx.repeatable ? (await grantsOf(tx, agent.id)).find((g) => g.id === id) : null;
        if (stands) return stands;
        throw new Conflict(`${body.tool_name} has ${body.action} already: take it back first`, { field: 'tool_name' });
      }
      const { tool_name: tool, action, expires_at: expiresAt } = granted;
      tx.log(entry(ctx, 'agent.permission_granted', agent, { permission_id: id, tool, action, expires_at: expiresAt }));
      return granted;
    }),

  revokePermission: ({ params: { agent_id: agentId, permission_id: id } }, ctx) =>
    ctx.write(async (tx) => {
      const agent = must(await doorAgent(tx, agentId), agentId);
      const gone = await deleteGrant(tx, agent.id, id);
      if (!gone) throw new NotFound(`no permission ${id}`);
      const { tool_name: tool, action } = gone;
      tx.log(entry(ctx, 'agent.permission_revoked', agent, { permission_id: id, tool, action }));
      return { revoked: true as const };
    }),

  registryTools: async (_input, ctx) => {
    const served = await ctx.kernel.pipeline.catalogue(ctx.tenantId);
    const granted = await ctx.read(grantedTools);
    return [...new Set([...usualTools, ...granted, ...served.map((t) => t.name)])].sort();
  },
};
