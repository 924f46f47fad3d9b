/** Who does something. An API key acts as the user or agent it belongs to; only a key of neither is a service itself. */
export const actorKinds = ['user', 'agent', 'service', 'operator', 'system'] as const;
export type ActorKind = (typeof actorKinds)[number];

export interface Actor {
  /** uuid of the user, agent or key; `system` and `operator` (Temporal UI or CLI, unproven) have none. */
  id: string | null;
  kind: ActorKind;
  name: string;
}

export interface Principal extends Actor {
  id: string;
  tenantId: string;
  role: string;
  scopes: readonly string[];
  /** The key or token that was presented: rate limits and revocation are about it. */
  credentialId: string;
  /** Only this ticket may be touched (credentials of runs). */
  ticketId: string | null;
  /** The run whose own credential it is; null for every other credential. */
  runId: string | null;
}

export const system: Actor = { id: null, kind: 'system', name: 'wheelhouse' };

export const sameActor = (a: Actor | null, b: Actor | null): boolean =>
  a !== null && b !== null && a.id !== null && a.id === b.id;
