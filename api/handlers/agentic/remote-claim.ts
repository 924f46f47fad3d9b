import { deliver } from '../../../db/steer';
import { claim, lapse } from '../../../db/remote-leases';
import { claimedBy, nextOpen } from '../../../db/remote-tasks';
import { hasClaimed, heardOf } from '../../../db/remote-workers';
import { runs } from '../../../db/runs';
import type { Write } from '../../../db/tx';
import type { RemoteTask } from '../../../domain/remote-task';
import { storableText } from '../../../domain/storable';
import { derivedKey, hashKey } from '../../../log/credentials';
import { filterOutput } from '../../../pipeline/output-filter';
import type { Ctx } from '../../kernel';
import { awaitWork } from '../await-work';
import type { Held } from './remote-hold';

/** After which entries there may be a task to claim. */
const opens = new Set(['task.offered', 'task.lapsed']);

/** As it may be written down: without credentials, nor what no row can hold. */
export const clean = (text: string, most: number): string =>
  storableText(String(filterOutput(text).value).slice(0, most));

export interface Wanted {
  worker: string;
  labels: string[];
  lease_seconds: number;
}

/** Of whoever holds a task under that token: it is told again to who repeats the claim. */
export const keyOf = (ctx: Ctx, { id, token }: Pick<RemoteTask, 'id' | 'token'>): string =>
  derivedKey(ctx.kernel.masterKey, `remote task ${id}:${token}`);

/** The first that is open and fits. One whose time is over is not: it has ended with its lease. */
async function openTask(ctx: Ctx, tx: Write, wanted: Wanted): Promise<Held | null> {
  for (;;) {
    const found = await nextOpen(tx, wanted.labels);
    const run = found && (await runs.byId(tx, found.runId));
    if (!found || !run) return null;
    const open = found.holder === null ? found : await lapse(tx, run, found);
    if (open.endedAt !== null) continue;
    const task = await claim(tx, run, open, {
      holder: ctx.actor,
      worker: wanted.worker,
      claimId: ctx.newId('claim'),
      leaseSeconds: wanted.lease_seconds,
      key: ({ taskId, token }) => {
        const secret = keyOf(ctx, { id: taskId, token });
        return { hash: hashKey(secret), prefix: secret.slice(0, 12) };
      },
    });
    return { task, run };
  }
}

type View<V> = (tx: Write, held: Held) => Promise<V>;

const claimOne = <V>(ctx: Ctx, wanted: Wanted, view: View<V>): Promise<V | null> =>
  ctx.write(async (tx) => {
    const before = ctx.repeatable ? await claimedBy(tx, ctx.newId('claim')) : null;
    const run = before && (await runs.byId(tx, before.runId));
    const held = before && run ? { task: before, run } : await openTask(ctx, tx, wanted);
    if (!held) return null;
    await hasClaimed(tx, ctx.principal.id, wanted.worker);
    await deliver(tx, held.run);
    return view(tx, held);
  });

/** A task for whoever asks, as `view` tells it; null when there was none for as long as they wait, in seconds. */
export async function claimWork<V>(ctx: Ctx, wanted: Wanted & { wait: number }, view: View<V>): Promise<V | null> {
  const { wait, worker, labels } = wanted;
  const by = { ...ctx.actor, id: ctx.principal.id };
  await ctx.write((tx) => heardOf(tx, { by, worker, labels, waits: wait }));
  return awaitWork(ctx, {
    seconds: wait,
    same: [...labels].sort().join('\n'),
    scope: 'agents:claim',
    fits: (entry) => opens.has(entry.kind),
    look: () => claimOne(ctx, wanted, view),
  });
}
