import { Readable } from 'node:stream';
import { NotFound } from '../../../domain/errors';
import type { events } from '../../contracts/aegis/events';
import { badHeader } from '../../auth';
import type { Ctx, Handlers } from '../../kernel';
import { follow, overReason } from '../follow';
import { frameOf, named } from './feed';

const heartbeatMs = 15_000;
/** @throws BadRequest */
function lastSeen(ctx: Ctx): number | null {
  const given = ctx.headers['last-event-id'];
  if (given === undefined || given === '') return null;
  if (typeof given !== 'string' || !/^\d{1,15}$/.test(given))
    throw badHeader('Last-Event-ID: not an id of this stream', 'Last-Event-ID');
  return Number(given);
}

/** Entries, heartbeats when there are none, and the end of the credential. */
async function* frames(ctx: Ctx, seen: number | null, agentId: string | null): AsyncGenerator<string> {
  const { tenantId } = ctx;
  let quietSince = Date.now();
  for await (const now of follow(ctx, 'events:read', seen, (e) => agentId === null || e.agentId === agentId)) {
    if (now.is === 'begin') {
      yield named(
        'connected',
        { status: 'connected', tenant_id: tenantId, ...(agentId && { agent_id: agentId }) },
        now.seq,
      );
    } else if (now.is === 'entry') {
      quietSince = Date.now();
      yield frameOf(now.entry);
    } else if (now.is === 'over') {
      yield named('auth_expired', { reason: overReason });
    } else if (Date.now() - quietSince >= heartbeatMs) {
      quietSince = Date.now();
      yield named('heartbeat', { ts: quietSince / 1000 });
    }
  }
}

export const eventHandlers: Handlers<typeof events> = {
  eventStream: async ({ query }, ctx) => {
    const seen = lastSeen(ctx);
    const agentId = query.agent_id?.toLowerCase() ?? null;
    if (agentId !== null) {
      const found = await ctx.read((tx) => tx.query('select 1 from agents where id = $1', [agentId]));
      if (!found.rowCount) throw new NotFound(`no agent ${agentId}`);
    }
    const stream = Readable.from(frames(ctx, seen, agentId));
    // A caller who goes away while we wait for him to read would hold the tail for ever.
    if (ctx.closed.aborted) stream.destroy();
    else ctx.closed.addEventListener('abort', () => stream.destroy(), { once: true });
    return {
      type: 'text/event-stream',
      headers: { 'Cache-Control': 'no-store, no-transform', 'X-Accel-Buffering': 'no' },
      body: stream,
    };
  },
};
