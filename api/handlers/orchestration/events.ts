import { agents } from '../../../db/agents';
import { taskNumbers } from '../../../db/tasks';
import type { Entry } from '../../../domain/log';
import { perOwner } from '../../../log/shared';
import { closeCodes, type Line, type Talk } from '../../conversation';
import { idOf } from '../../contracts/orchestration/door';
import type { orchestrationEvents } from '../../contracts/orchestration/events';
import type { Ctx, Kernel } from '../../kernel';
import type { HeardBy } from '../../operation';
import { follow, overReason } from '../follow';

import { isOfSystem, toldOf } from './told';

type Said = HeardBy<typeof orchestrationEvents>;
type Subscribe = Extract<Said, { type: 'subscribe' }>;

/** Of one connection. */
const mostSubscriptions = 50;
const scope = 'agents:read';

/** Numbers never change: those of the last ones are kept, for all who listen in this process. */
const kept = 5_000;
const numbersOf = perOwner((_kernel: Kernel) => new Map<string, Promise<{ task: number; agent: number } | null>>());
function numbers(ctx: Ctx, runId: string): Promise<{ task: number; agent: number } | null> {
  const known = numbersOf(ctx.kernel);
  const key = `${ctx.tenantId} ${runId}`;
  const found = known.get(key);
  if (found) return found;
  const asked = ctx.read((tx) => taskNumbers(tx, runId));
  asked.catch(() => known.delete(key));
  known.set(key, asked);
  for (const oldest of known.keys()) {
    if (known.size <= kept) break;
    known.delete(oldest);
  }
  return asked;
}

const nameOf = (of: { channel: string; agent_id?: number | undefined }): string =>
  of.agent_id === undefined ? of.channel : `${of.channel}:${of.agent_id}`;

async function messageOf(ctx: Ctx, channel: string, entry: Entry): Promise<unknown> {
  const told = toldOf(entry);
  if (!told) return null;
  const ids = told.task && entry.runId !== null ? await numbers(ctx, entry.runId) : null;
  const agent = ids?.agent ?? (entry.agentId === null ? null : await agentNumber(ctx, entry.agentId));
  const known = {
    ...(ids && { task_id: idOf('task', ids.task) }),
    ...(agent !== null && { agent_id: idOf('agent', agent) }),
  };
  const { type, payload } = told;
  return { type, payload: { ...known, ...payload }, channel, offset: entry.seq, timestamp: new Date(entry.at).toISOString() };
} // prettier-ignore

const agentNumber = async (ctx: Ctx, id: string): Promise<number | null> =>
  (await ctx.read((tx) => agents.byId(tx, id)))?.number ?? null;

/** Tells one subscription, as fast as it is taken, until it is given up or the connection is over. */
async function feed(ctx: Ctx, line: Line, s: Subscribe, agentId: string | null, given: AbortSignal): Promise<void> {
  const { ticketId: only } = ctx.principal;
  const fits = (e: Entry): boolean => {
    if (only !== null && e.ticketId !== only) return false;
    const told = agentId === null || e.agentId === agentId ? toldOf(e) : null;
    return told !== null && (agentId !== null || isOfSystem(told));
  };
  for await (const now of follow({ ...ctx, closed: given }, scope, s.since ?? null, fits)) {
    if (now.is === 'begin') {
      const of = s.channel === 'agent_events' ? { agent_id: idOf('agent', s.agent_id) } : {};
      if (!(await line.send({ type: 'subscribed', payload: { channel: s.channel, ...of }, offset: now.seq }))) return;
    }
    if (now.is === 'over') return line.close(closeCodes.unauthorized, overReason);
    if (now.is === 'entry' && !(await line.send(await messageOf(ctx, s.channel, now.entry)))) return;
  }
}

/** Watches the credential while nothing is subscribed to as well. */
async function watch(ctx: Ctx, line: Line, begun: (seq: number) => void): Promise<void> {
  for await (const now of follow(ctx, scope, null, () => false)) {
    if (now.is === 'begin') begun(now.seq);
    if (now.is === 'over') return line.close(closeCodes.unauthorized, overReason);
  }
}

export const talkOfEvents: Talk['talk'] = async (ctx, line) => {
  const subscriptions = new Map<string, AbortController>();
  const failed = (err: unknown): void => {
    ctx.kernel.logger.error({ err }, 'a WebSocket could not be fed');
    line.close(1011, 'something went wrong on our side: connect again');
  };
  const say = (type: string, payload: Record<string, unknown>): void => void line.send({ type, payload });
  await new Promise<void>((begun, not) => {
    watch(ctx, line, (offset) => {
      void line.send({ type: 'auth_ok', payload: { tenant_id: ctx.tenantId }, offset });
      begun();
    }).catch((e: Error) => {
      not(e);
      failed(e);
    });
  });

  const subscribe = async (s: Subscribe): Promise<void> => {
    const name = nameOf(s);
    subscriptions.get(name)?.abort();
    if (subscriptions.size >= mostSubscriptions && !subscriptions.has(name))
      return say('error', { code: 'TOO_MANY', message: `at most ${mostSubscriptions} subscriptions` });
    const given = new AbortController();
    subscriptions.set(name, given);
    const [agent] = s.channel === 'agent_events' ? await ctx.read((tx) => agents.list(tx, 'where number = $1 and deleted_at is null', [s.agent_id])) : []; // prettier-ignore
    if (s.channel === 'agent_events' && !agent) {
      subscriptions.delete(name);
      return say('error', { code: 'NOT_FOUND', message: `no agent ${idOf('agent', s.agent_id)}` });
    }
    await feed(ctx, line, s, agent?.id ?? null, AbortSignal.any([ctx.closed, given.signal]));
  };

  return {
    hear: (said: Said) => {
      if (said.type === 'ping') return say('pong', {});
      if (said.type === 'subscribe') return void subscribe(said).catch(failed);
      subscriptions.get(nameOf(said))?.abort();
      subscriptions.delete(nameOf(said));
      say('unsubscribed', { channel: said.channel });
    },
  };
};
