import { Context } from '@temporalio/activity';
import { v5 } from 'uuid';
import { keepState, providerState } from '../../db/provider-states';
import { knownRemotes, linkOf, overdue } from '../../db/ticket-links';
import { system } from '../../domain/principal';
import type { ProviderName, ProviderSynced, RemoteTicket, SyncMode } from '../../domain/provider';
import type { Deps } from '../deps';
import { heartbeating } from '../heartbeating';
import { writtenBefore } from '../lifecycle/record';
import { ticketOfMark, withoutOurs } from './mark';
import { takePulled, type Found } from './pulled';
import { providerOf, wordsOf, type SyncDeps } from './sync';

type Begun = { tenantId: string; classes: readonly string[] } | { error: string };
interface Place {
  ticketClass: string;
  page: number;
  mode: SyncMode;
}
interface Looked extends ProviderSynced {
  more: boolean;
  /** The highest number that was seen. */
  highest: number;
}

/** Numbers are given when a ticket is begun, and shown when it is saved: so far below the highest a new one may turn up. */
const lookBack = 50;
/** Processes of tickets that are waited for at a time. */
const atOnce = 8;
/** What was to be tried again longer ago than this has lost its process. */
const overdueSeconds = 120;

/** A few at a time; each gives true when it went well. */
async function inLanes<T>(items: readonly T[], work: (item: T) => Promise<boolean>): Promise<number> {
  const queue = [...items];
  let wrong = 0;
  const lane = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) if (!(await work(item))) wrong += 1;
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return wrong;
}

export function fullSyncActivities(d: SyncDeps & Pick<Deps, 'askSync' | 'logger'>) {
  const well = (tenantId: string) => async (ticketId: string) => {
    const { error } = await d.askSync(tenantId, ticketId).catch((e: unknown) => ({ error: wordsOf(e) }));
    return error === null;
  };

  /** Those that are no ticket here yet become one, all at once; where one of them cannot, each by itself. */
  async function bringIn(
    tenantId: string,
    name: ProviderName,
    remotes: readonly RemoteTicket[],
    found: Found,
  ): Promise<number> {
    const take = (some: readonly RemoteTicket[]) =>
      d.store.write(tenantId, async (tx) => {
        for (const r of some)
          await takePulled(tx, v5(`${name}:${r.key}`, tenantId), name, await withoutOurs(d.masterKey, tx, r), found);
      });
    if (remotes.length === 0) return 0;
    try {
      await take(remotes);
      return remotes.length;
    } catch {
      let taken = 0;
      for (const r of remotes) {
        try {
          await take([r]);
          taken += 1;
        } catch (err) {
          d.logger.warn({ err, key: r.key }, 'a ticket of the provider could not be taken');
        }
      }
      return taken;
    }
  }

  return {
    /** Whether the provider is there and knows us. */
    async beginProviderSync(wanted: string | null, name: ProviderName): Promise<Begun> {
      for (const tenantId of wanted === null ? await d.store.tenants() : [wanted]) {
        const provider = await providerOf(d, tenantId, name);
        if (!provider) continue;
        try {
          await heartbeating((signal) => provider.check(signal));
          return { tenantId, classes: provider.classes };
        } catch (e) {
          const error = wordsOf(e);
          await d.store.write(tenantId, (tx) =>
            keepState(tx, name, { discovery: true, highest: null, synced: 0, errors: 1, new: 0, error }),
          );
          return { error };
        }
      }
      return { error: `${name} is not configured` };
    },

    /** One page of one class. Trouble with the provider is counted, and ends the class. */
    syncPage: (tenantId: string, name: ProviderName, { ticketClass, page, mode }: Place): Promise<Looked> =>
      heartbeating(async (signal) => {
        const nothing: Looked = { synced: 0, errors: 0, new: 0, error: null, more: false, highest: 0 };
        const provider = await providerOf(d, tenantId, name);
        if (!provider) return { ...nothing, errors: 1, error: `${name} is not configured` };
        const knownMax = (await d.store.read(tenantId, (tx) => providerState(tx, name)))?.knownMax ?? null;
        if (mode === 'discover' && knownMax === null) return nothing;
        const above = mode === 'discover' ? Math.max(0, (knownMax ?? 0) - lookBack) : 0;
        let there: RemoteTicket[];
        try {
          there = await provider.list(ticketClass, above, page, signal);
        } catch (e) {
          if (signal.aborted) throw e;
          return { ...nothing, errors: 1, error: wordsOf(e) };
        }
        const known = await d.store.read(tenantId, (tx) => knownRemotes(tx, name, there.map((r) => r.key))); // prettier-ignore
        const changed: string[] = [];
        const fresh: RemoteTicket[] = [];
        for (const remote of there) {
          const stands = known.get(remote.key);
          if (stands) {
            if (stands.digest !== remote.digest && mode !== 'discover') changed.push(stands.ticketId);
            continue;
          }
          const ours = ticketOfMark(d.masterKey, tenantId, remote.mark);
          const link = ours === null ? null : await d.store.read(tenantId, (tx) => linkOf(tx, ours));
          if (ours !== null && link?.push === 'create' && link.remoteKey === null) changed.push(ours);
          // What is new is left to the discovery, which has agents assigned to it.
          else if (mode !== 'full' || knownMax === null || Number(remote.key) <= knownMax) fresh.push(remote);
        }
        const made = await bringIn(tenantId, name, fresh, mode === 'discover' ? 'discovery' : 'full_sync');
        const wrong = (await inLanes(changed, well(tenantId))) + fresh.length - made;
        const highest = Math.max(
          0,
          ...there.filter((r) => known.has(r.key) || fresh.includes(r)).map((r) => Number(r.key)),
        );
        return {
          synced: (mode === 'discover' ? changed.length : there.length) - wrong,
          errors: wrong,
          new: made,
          error: null,
          more: there.length === provider.pageSize,
          highest,
        };
      }),

    /** Keeps how it went, and has those looked after whose process was lost with what they were to tell. */
    async endProviderSync(
      tenantId: string,
      name: ProviderName,
      { mode, ...how }: { mode: SyncMode; highest: number | null } & ProviderSynced,
    ): Promise<void> {
      const { workflowExecution, activityId } = Context.current().info;
      const transition = `synced:${workflowExecution?.runId ?? ''}:${activityId}`;
      await d.store.write(tenantId, async (tx) => {
        await keepState(tx, name, { discovery: mode === 'discover', ...how });
        const { synced, errors, error } = how;
        // A look for what is new that finds nothing, each minute, is no news.
        if (mode === 'discover' && synced + errors + how.new === 0) return;
        if (await writtenBefore(tx, name, transition)) return;
        tx.log({
          kind: 'provider.synced',
          actor: system,
          subject: { kind: 'provider', id: name },
          transition,
          reason: error,
          body: { mode, synced, errors, new: how.new },
        });
      });
      const lost = await d.store.read(tenantId, (tx) => overdue(tx, name, overdueSeconds, 100));
      await heartbeating(() => inLanes(lost, well(tenantId)));
    },
  };
}
