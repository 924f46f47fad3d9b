import { allHandlersFinished, condition, defineUpdate, proxyActivities, setHandler } from '@temporalio/workflow';
import type { Activities } from '../activities';
import type { ProviderName, ProviderSynced, SyncMode } from '../domain/provider';
import { onUpdate, wordsOf } from './kit';
import { stateOf } from './messages';

export interface ProviderSync {
  /** Null: the tenant whose provider it is. */
  tenantId: string | null;
  provider: ProviderName;
  /** Where providers are spoken to. */
  queue: string;
  mode: SyncMode;
}

/** Answers what a look came to that began after this was asked; an id tells who asks apart from others. */
export const providerSynced = defineUpdate<ProviderSynced, [id: string]>('providerSynced');
export const providerSyncState = stateOf<ProviderSynced | null>();

const none: ProviderSynced = { synced: 0, errors: 0, new: 0, error: null };

/**
 * A look at a provider's tickets, class by class and page by page. Those that changed are looked after by their own
 * processes; trouble with one class or one ticket is counted, and the others are looked at.
 */
export async function providerSync({ tenantId, provider, queue, mode }: ProviderSync): Promise<ProviderSynced> {
  const activities = proxyActivities<Activities>({
    taskQueue: queue,
    startToCloseTimeout: '10 minutes',
    heartbeatTimeout: '30 seconds',
    retry: { initialInterval: '1 second', maximumInterval: '10 seconds', maximumAttempts: 4 },
  });
  // A Schedule asks by starting it; a person does by an Update.
  let asked = mode === 'everything' ? 0 : 1;
  let done = 0;
  let last: ProviderSynced | null = null;
  setHandler(providerSyncState, () => last);
  onUpdate(providerSynced, async () => {
    const mine = (asked += 1);
    await condition(() => done >= mine);
    return last as ProviderSynced;
  });

  const look = async (): Promise<ProviderSynced> => {
    const begun = await activities.beginProviderSync(tenantId, provider);
    if ('error' in begun) return { ...none, errors: 1, error: begun.error };
    let sum = none;
    let highest = 0;
    for (const ticketClass of begun.classes) {
      for (let page = 1, more = true; more; page += 1) {
        const looked = await activities.syncPage(begun.tenantId, provider, { ticketClass, page, mode });
        sum = {
          synced: sum.synced + looked.synced,
          errors: sum.errors + looked.errors,
          new: sum.new + looked.new,
          error: sum.error ?? looked.error,
        };
        highest = Math.max(highest, looked.highest);
        ({ more } = looked);
      }
    }
    // What is above the highest number is new: where a class could not be looked at, nobody knows which that is.
    await activities.endProviderSync(begun.tenantId, provider, {
      mode,
      ...sum,
      highest: sum.error === null ? highest : null,
    });
    return sum;
  };
  const isAsked = (): boolean => asked > done;
  await condition(isAsked);
  do {
    const upTo = asked;
    last = await look().catch((e: unknown) => ({ ...none, errors: 1, error: wordsOf(e) }));
    done = upTo;
    await condition(() => isAsked() || allHandlersFinished());
  } while (isAsked());
  return last;
}
