import { Readable } from 'node:stream';
import { NotFound } from '../../../domain/errors';
import { atMostEvery, perOwner } from '../../../log/shared';
import { listen } from '../../../log/tail';
import type { events } from '../../contracts/aegis/events';
import { badHeader } from '../../auth';
import type { Ctx, Handlers, Kernel } from '../../kernel';
import { frameOf, named } from './feed';

const heartbeatMs = 15_000;
/** A credential that was revoked loses its streams within a second: looked at twice in it, once for all streams of it. */
const recheckMs = 400;
const rechecks = perOwner((_kernel: Kernel) => atMostEvery<boolean>(recheckMs));

/** Whether the credential still opens this stream. */
async function mayListen(ctx: Ctx): Promise<boolean> {
  const principal = await ctx.recheck();
  return principal?.tenantId === ctx.tenantId && principal.scopes.includes('events:read');
}

/** @throws BadRequest */
function lastSeen(ctx: Ctx): number | null {
  const given = ctx.headers['last-event-id'];
  if (given === undefined || given === '') return null;
  if (typeof given !== 'string' || !/^\d{1,15}$/.test(given))
    throw badHeader('Last-Event-ID: not an id of this stream', 'Last-Event-ID');
  return Number(given);
}

/** Entries, heartbeats when there are none, and the end of the credential. Read as fast as the caller takes it. */
async function* frames(ctx: Ctx, seen: number | null, agentId: string | null): AsyncGenerator<string> {
  const { closed, tenantId } = ctx;
  const recheck = rechecks(ctx.kernel);
  const isOver = async (): Promise<boolean> => !(await recheck(ctx.principal.credentialId, () => mayListen(ctx)));
  const tail = await listen(ctx.kernel.store, tenantId);
  try {
    // Beyond the end is nothing that was ever sent: the stream goes on from the end.
    let seq = Math.min(seen ?? tail.seq, tail.seq);
    let quietSince = Date.now();
    yield named('connected', { status: 'connected', tenant_id: tenantId, ...(agentId && { agent_id: agentId }) }, seq);
    while (!closed.aborted) {
      const entries = await tail.after(seq, recheckMs, closed);
      for (const entry of entries) {
        seq = entry.seq;
        if (agentId !== null && entry.agentId !== agentId) continue;
        if (await isOver()) break;
        quietSince = Date.now();
        yield frameOf(entry);
      }
      if (await isOver()) {
        yield named('auth_expired', { reason: 'the credential was revoked or has expired' });
        return;
      }
      if (Date.now() - quietSince >= heartbeatMs) {
        quietSince = Date.now();
        yield named('heartbeat', { ts: quietSince / 1000 });
      }
    }
  } finally {
    tail.leave();
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
