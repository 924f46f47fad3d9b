import { actOnSignal, insertSignal, listSignals, signalById } from '../../../db/signals';
import { tellRuns } from '../../../db/steer';
import { Conflict, NotFound } from '../../../domain/errors';
import type { NewEntry } from '../../../domain/log';
import type { Signal } from '../../../domain/signal';
import { pageOf } from '../../contracts/agent-ops/door';
import type { signals } from '../../contracts/agent-ops/signals';
import type { Ctx, Handlers } from '../../kernel';
import { passOn } from '../agentic/steering';
import { signalView } from './views';

const entry = (ctx: Ctx, kind: string, s: Signal, body: Record<string, unknown>): NewEntry => ({
  kind,
  actor: ctx.actor,
  subject: { kind: 'signal', id: s.id },
  body: { for_agent: s.forAgent, created_by: s.createdBy, signal: s.signal, ...body },
});

export const signalHandlers: Handlers<typeof signals> = {
  listSignals: async ({ query }, ctx) => {
    const { limit, cursor, for_agent, created_by, signal, pending } = query;
    const filter = {
      forAgent: for_agent ?? null,
      createdBy: created_by ?? null,
      signal: signal ?? null,
      pending: pending ?? null,
      after: cursor ?? null,
    };
    return pageOf(await ctx.read((tx) => listSignals(tx, filter, limit + 1)), limit, signalView);
  },

  sendSignal: async ({ body }, ctx) => {
    const id = ctx.newId();
    const { sent, steered } = await ctx.write(async (tx) => {
      const written = await insertSignal(tx, {
        id,
        forAgent: body.for_agent,
        createdBy: body.created_by,
        signal: body.signal,
        detail: body.detail ?? null,
        expiresAt: body.expires_at ?? null,
      });
      if (!written) {
        const stands = await signalById(tx, id);
        if (!stands) throw new Error(`no row for signal ${id}`);
        return { sent: stands, steered: [] };
      }
      tx.log(entry(ctx, 'signal.sent', written, { expires_at: written.expiresAt }));
      return { sent: written, steered: await tellRuns(tx, written, ctx.actor) };
    });
    passOn(ctx, steered);
    return signalView(sent);
  },

  actOnSignal: ({ params, body }, ctx) =>
    ctx.write(async (tx) => {
      const by = body.actioned_by ?? ctx.actor.name;
      const acted = await actOnSignal(tx, params.id, by, body.result ?? null);
      if (acted) {
        tx.log(entry(ctx, 'signal.actioned', acted, { actioned_by: by }));
        return signalView(acted);
      }
      const stands = await signalById(tx, params.id);
      if (!stands) throw new NotFound(`no signal ${params.id}`);
      if (stands.status === 'expired')
        throw new Conflict(`the signal expired at ${stands.expiresAt}`, { status: stands.status });
      return signalView(stands);
    }),
};
