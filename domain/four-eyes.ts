import { Forbidden } from './errors';
import type { Gate } from './gate';
import { sameActor, type Actor } from './principal';

/**
 * Nobody approves their own request. Requester and decider are compared as principals; who asked on behalf of an agent
 * is a requester too, unless the tenant's policy counts the agent alone. Returns the exception that was used, if one was.
 * @throws Forbidden
 */
export function fourEyes(gate: Gate, decider: Actor, policy: 'strict' | 'agent_only'): 'agent_only' | null {
  if (sameActor(gate.requestedBy, decider)) {
    throw new Forbidden('nobody approves their own request', { reason: 'self_approval' });
  }
  if (!sameActor(gate.onBehalfOf, decider)) return null;
  if (policy === 'agent_only') return 'agent_only';
  throw new Forbidden('who asked on behalf of an agent does not approve what it asked for', {
    reason: 'self_approval',
    four_eyes: 'strict',
  });
}
