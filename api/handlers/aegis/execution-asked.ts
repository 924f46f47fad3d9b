import { v5, v7 } from 'uuid';
import { z } from 'zod';
import { Forbidden, NotFound } from '../../../domain/errors';
import { rankOf } from '../../../domain/roles';
import { agentScopes } from '../../../domain/scopes';
import type { Call } from '../../../pipeline/call';
import { badHeader } from '../../auth';
import { BadRequest } from '../../bad-request';
import type { Ctx } from '../../kernel';

type Arguments = Record<string, unknown> | string;
export interface AskedBody {
  tool_name?: string | null | undefined;
  tool?: string | null | undefined;
  agent_id?: string | null | undefined;
  arguments?: Arguments | null | undefined;
  payload?: Arguments | null | undefined;
  parameters?: Arguments | null | undefined;
  input?: Arguments | null | undefined;
}

const headerOf = ({ headers }: Ctx, name: string): string | null => {
  const given = headers[name];
  return typeof given === 'string' && given.trim() !== '' ? given.trim() : null;
};

/** @throws BadRequest, Forbidden for an agent that calls as another, for people who only look on or develop, and for a run, whose calls are its own */
function agentOf(ctx: Ctx, body: AskedBody): string {
  const header = headerOf(ctx, 'x-agent-id');
  const named = header ?? body.agent_id ?? null;
  if (named === null) throw badHeader('X-Agent-ID header required', 'X-Agent-ID');
  if (!z.uuid().safeParse(named).success) throw badHeader('X-Agent-ID: not a uuid', 'X-Agent-ID');
  const { principal } = ctx;
  if (principal.runId !== null)
    throw new Forbidden('a run calls its tools by its own steps', { reason: 'bound_to_run', authenticated: true });
  // An agent's key has a role as well, and acts as the agent. A role that is no person's is a service's own.
  const rank = principal.kind === 'agent' ? 0 : rankOf(principal.role);
  if (rank > 0 && rank < rankOf('SECURITY_ANALYST'))
    throw new Forbidden('Write operations require OWNER, ADMIN, or SECURITY_ANALYST role', {
      reason: 'role',
      authenticated: true,
    });
  if (principal.kind === 'agent' && principal.id !== named.toLowerCase())
    throw new Forbidden('this credential is another agent’s', { reason: 'agent_mismatch', authenticated: true });
  return named.toLowerCase();
}

/** @throws BadRequest */
function toolOf(ctx: Ctx, body: AskedBody, path: string | null): string {
  const named = headerOf(ctx, 'x-acp-tool') ?? path ?? body.tool_name ?? body.tool;
  if (named == null) {
    const where = 'Tool name is required: X-ACP-Tool, the path, tool_name or tool';
    throw new BadRequest(where, { field: 'tool_name' });
  }
  if (named.length > 200) throw badHeader('X-ACP-Tool: more than 200 characters', 'X-ACP-Tool');
  return named;
}

/** The gate whose approval is brought, by its id or by its number. @throws BadRequest; NotFound for one that is not here */
async function approvalOf(ctx: Ctx): Promise<string | null> {
  const given = headerOf(ctx, 'x-aegis-approval-id');
  if (given === null) return null;
  if (!z.uuid().safeParse(given).success && !/^\d{1,9}$/.test(given))
    throw badHeader('X-Aegis-Approval-ID: neither the id nor the number of a change', 'X-Aegis-Approval-ID');
  const { rows } = await ctx.read((tx) =>
    tx.query<{ id: string }>('select id from gates where id::text = $1 or number::text = $1', [given.toLowerCase()]),
  );
  if (!rows[0]) throw new NotFound(`no change ${given}`, { field: 'X-Aegis-Approval-ID' });
  return rows[0].id;
}

/** A request as the pipeline takes it. */
export async function callOf(ctx: Ctx, body: AskedBody, path: string | null): Promise<Call & { requestId: string }> {
  const agentId = agentOf(ctx, body);
  const tool = toolOf(ctx, body, path);
  const args = body.arguments ?? body.payload ?? body.parameters ?? body.input ?? {};
  const gateId = await approvalOf(ctx);
  const { principal, tenantId } = ctx;
  // Whoever names his request asks once, by that name; whoever comes back with an approval asks another time.
  const named = gateId === null && ctx.headers['x-request-id'] === ctx.requestId;
  const id = ctx.repeatable
    ? ctx.newId('execution')
    : named
      ? v5(['execution', principal.id, agentId, ctx.requestId].join('\n'), tenantId)
      : v7();
  return {
    tenantId,
    actor: ctx.actor,
    scopes: principal.scopes.filter((s) => (agentScopes as readonly string[]).includes(s)),
    agentId,
    owner: { kind: 'request', id, step: 0 },
    requestId: gateId === null ? ctx.requestId : id,
    ticketId: principal.ticketId,
    tool,
    args: typeof args === 'string' ? { input: args } : args,
    why: null,
    gateId,
  };
}
