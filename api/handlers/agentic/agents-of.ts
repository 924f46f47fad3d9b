import { Forbidden } from '../../../domain/errors';
import type { Actor } from '../../../domain/principal';
import type { Run } from '../../../domain/run';
import type { Ctx } from '../../kernel';
import { isOfRun } from './seen';

/**
 * Who asks, when a request names an agent: with the right to act for it, the agent is the requester and the caller stands
 * beside it; the agent itself needs no right. Without an agent, the caller asks.
 * @throws Forbidden
 */
export function agentOf(ctx: Ctx, run: Run | null): { requestedBy: Actor; onBehalfOf: Actor | null } {
  if (!run) return { requestedBy: ctx.actor, onBehalfOf: null };
  const agent: Actor = { id: run.agentId, kind: 'agent', name: `agent-${run.number}` };
  if (ctx.principal.id === run.agentId && isOfRun(ctx, run)) return { requestedBy: agent, onBehalfOf: run.spawnedBy };
  if (!ctx.principal.scopes.includes('agents:act')) {
    throw new Forbidden('access_denied', {
      reason: 'missing_scope',
      required_permission: 'agents:act',
      authenticated: true,
    });
  }
  return { requestedBy: agent, onBehalfOf: ctx.actor };
}
