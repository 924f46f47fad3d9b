import { doorNumbers, type DoorNumbers } from '../../../db/door-numbers';
import type { Entry } from '../../../domain/log';
import { progressAt } from '../../../domain/run';
import { perOwner } from '../../../log/shared';
import type { agentEvents, agentEventTypes } from '../../contracts/agentic/agent-events';
import type { Ctx, FeedOf, Kernel } from '../../kernel';
import { follow, overReason } from '../follow';

// What the log says, in the words of the page that watches agents.

interface Told {
  type: (typeof agentEventTypes)[number];
  [more: string]: unknown;
}

const isUpdate = new Set([
  'ticket.created', 'ticket.status_changed', 'ticket.assigned', 'ticket.agent_unassigned', 'ticket.info_requested',
  'ticket.user_responded', 'note.added', 'attachment.added',
]); // prettier-ignore

/** Null: nobody who watches agents is told. */
function toldOf(e: Entry): Told | null {
  const { status, model, harness, result } = e.body;
  switch (e.kind) {
    case 'run.spawned':
      return { type: 'agent_spawned', model: model ?? null, harness, status };
    case 'run.started':
      return { type: 'checkpoint_update', step: 'started', status, progress_pct: progressAt(0), output: null };
    case 'run.waiting':
      return { type: 'agent_waiting', status, reason: e.reason };
    case 'run.finished':
      return { type: 'agent_finished', status, output: result };
    case 'run.failed':
      return { type: 'agent_failed', status, reason: e.reason };
    case 'run.stopped':
    case 'run.terminated':
      return { type: 'agent_stopped', status, reason: e.reason };
    case 'run.stalled':
      return { type: 'agent_stalled', idle_seconds: e.body['idle_seconds'] };
    case 'run.checkpoint':
      return { type: 'checkpoint_update', step: e.body['step'], status, progress_pct: e.body['progress_pct'], output: e.reason };
    case 'provider.synced':
      return { type: 'sync_complete', provider: e.subjectId, synced: e.body['synced'], new: e.body['new'], errors: e.body['errors'] };
    case 'tool.status_changed':
      return { type: 'tool_status_changed', tool_name: e.body['tool_name'], status };
    case 'gate.requested':
      return { type: 'change_pending', change_id: e.body['change_id'], action: e.body['action'], target: e.body['target'] };
    case 'ticket.synced':
      return { type: 'ticket_synced', itop_ref: e.body['provider_ref'], itop_class: e.body['provider_class'] ?? null, is_new: false };
  } // prettier-ignore
  if (isUpdate.has(e.kind)) return { type: 'ticket_updated', action: e.kind };
  if (!e.kind.startsWith('execution.') || e.runId === null) return null;
  const { step, why } = e.body;
  const pct = progressAt(Number(step) + 1);
  return { type: 'checkpoint_update', step: e.tool, status: e.decision, progress_pct: pct, output: why ?? null };
}

/** Numbers never change: those of the last ones are kept, for all who listen in this process. */
const kept = 5_000;
const numbersOf = perOwner((_kernel: Kernel) => new Map<string, Promise<DoorNumbers>>());
function numbers(ctx: Ctx, { runId, ticketId }: Entry): Promise<DoorNumbers> {
  const known = numbersOf(ctx.kernel);
  const key = `${ctx.tenantId} ${runId ?? ''} ${ticketId ?? ''}`;
  const found = known.get(key);
  if (found) return found;
  const asked = ctx.read((tx) => doorNumbers(tx, { runId, ticketId }));
  asked.catch(() => known.delete(key));
  known.set(key, asked);
  for (const oldest of known.keys()) {
    if (known.size <= kept) break;
    known.delete(oldest);
  }
  return asked;
}

export const feedAgentEvents: FeedOf<typeof agentEvents> = async function* ({ query }, ctx) {
  const { ticketId: only } = ctx.principal;
  const fits = (e: Entry): boolean => (only === null || e.ticketId === only) && toldOf(e) !== null;
  for await (const now of follow(ctx, 'agents:read', query.since ?? query.last_event_id ?? null, fits)) {
    if (now.is === 'begin') yield { type: 'connected', seq: now.seq, at: new Date().toISOString() };
    if (now.is === 'over') return overReason;
    if (now.is !== 'entry') continue;
    const { entry } = now;
    const { agent, task, ticket } = await numbers(ctx, entry);
    const ids = { agent_id: agent, task_id: task, ticket_id: ticket };
    const known = Object.fromEntries(Object.entries(ids).filter(([, id]) => id !== null));
    yield { ...toldOf(entry), ...known, seq: entry.seq, at: new Date(entry.at).toISOString() };
  }
  return 'the connection is over';
};
