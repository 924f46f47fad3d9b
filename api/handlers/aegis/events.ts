import { Forbidden, NotFound } from '../../../domain/errors';
import { rankOf } from '../../../domain/roles';
import type { events } from '../../contracts/aegis/events';
import { badHeader } from '../../auth';
import type { Ctx, Handlers } from '../../kernel';
import { droppedStreams } from '../../metrics';
import type { Linger, StreamWriter } from '../../operation';
import { follow, overReason, recheckMs } from '../follow';
import { frameOf, named } from './feed';

const heartbeatMs = 15_000;
/** What a stream keeps for a reader that does not take it, in bytes; beside it one entry at most. */
const unsentMost = 64 * 1024;
/** So long a reader may leave that much lying, with whatever the kernel holds for it before. */
const graceMs = 2_000;
/** How long who was dropped may take to read that; whose credential is over has what it was sent, and no second more. */
const dropped: Linger = { lingerMs: 10_000 };
const over: Linger = { lingerMs: 300 };

/** @throws BadRequest */
function lastSeen(ctx: Ctx): number | null {
  const given = ctx.headers['last-event-id'];
  if (given === undefined || given === '') return null;
  if (typeof given !== 'string' || !/^\d{1,15}$/.test(given))
    throw badHeader('Last-Event-ID: not an id of this stream', 'Last-Event-ID');
  return Number(given);
}

/** Entries, heartbeats when there are none, and the end: of the credential, or of a reader that is too slow. */
async function stream(ctx: Ctx, out: StreamWriter, seen: number | null, agentId: string | null): Promise<Linger> {
  const { tenantId } = ctx;
  let quietSince = performance.now();
  let fullSince: number | null = null;
  let told = seen ?? 0;
  const taking = (): boolean => out.unsent() <= unsentMost;
  const fits = (e: { agentId: string | null }): boolean => agentId === null || e.agentId === agentId;
  for await (const now of follow(ctx, 'events:read', seen, fits, taking)) {
    if (now.is === 'begin') {
      told = now.seq;
      const data = { status: 'connected', tenant_id: tenantId, ...(agentId && { agent_id: agentId }) };
      out.write(named('connected', data, told));
    } else if (now.is === 'entry') {
      told = now.entry.seq;
      quietSince = performance.now();
      out.write(frameOf(now.entry));
    } else if (now.is === 'over') {
      out.write(named('auth_expired', { reason: overReason }));
      return over;
    } else if (now.is === 'full') {
      fullSince ??= performance.now();
      await out.drained(recheckMs);
      if (out.unsent() <= unsentMost || performance.now() - fullSince < graceMs) continue;
      droppedStreams.inc();
      out.write(named('dropped', { reason: 'slow_reader', last_event_id: String(told) }));
      return dropped;
    } else if (performance.now() - quietSince >= heartbeatMs) {
      quietSince = performance.now();
      out.write(named('heartbeat', { ts: Date.now() / 1000 }));
    }
    fullSince = null;
  }
  return over;
}

/** People who develop or look on follow the agents that are theirs, and an agent itself. @throws Forbidden */
function assertOwn({ principal: p }: Ctx, agentId: string, owner: string | null): void {
  if (p.kind === 'agent' ? p.id === agentId : rankOf(p.role) === 0 || rankOf(p.role) >= rankOf('SECURITY_ANALYST'))
    return;
  if (owner !== null && [p.id, p.name].includes(owner)) return;
  throw new Forbidden('the events of an agent of somebody else', { reason: 'not_owner', authenticated: true });
}

export const eventHandlers: Handlers<typeof events> = {
  eventStream: async ({ query }, ctx) => {
    const seen = lastSeen(ctx);
    const agentId = query.agent_id?.toLowerCase() ?? null;
    if (agentId !== null) {
      const { rows } = await ctx.read((tx) =>
        tx.query<{ owner: string | null }>('select owner_id as owner from agents where id = $1', [agentId]),
      );
      if (!rows[0]) throw new NotFound(`no agent ${agentId}`);
      assertOwn(ctx, agentId, rows[0].owner);
    }
    return {
      type: 'text/event-stream',
      headers: { 'Cache-Control': 'no-store, no-transform', 'X-Accel-Buffering': 'no' },
      body: (out) => stream(ctx, out, seen, agentId),
    };
  },
};
