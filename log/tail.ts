import { setTimeout as delay } from 'node:timers/promises';
import { entriesAfter, lastSeq } from '../db/log-queries';
import { untilOnDisk, type Read } from '../db/tx';
import type { Entry } from '../domain/log';
import { reveal } from './personal';
import { perOwner } from './shared';
import type { Store } from './store';

const pollMs = 250;
const batch = 500;
/** Listeners that are no further behind than this are served from memory. */
const remembered = 1_000;

/** The end of one tenant's log as it grows. One reader for all who listen in this process, and only while somebody does. */
export interface Tail {
  /** Where the log ended at the last look. */
  readonly seq: number;
  /**
   * Entries after `seq`, in order, at most a batch. When there are none yet, waits up to `ms`; then, or when aborted, none.
   * @throws what the database throws: the tail is over then, and a new one may be joined
   */
  after(seq: number, ms: number, signal: AbortSignal): Promise<readonly Entry[]>;
  /** Every listener leaves once. */
  leave(): void;
}

interface Shared {
  ready: Promise<void>;
  listeners: number;
  seq: number;
  recent: readonly Entry[];
  failure: { error: unknown } | null;
  waiting: Set<() => void>;
}

const tailsOf = perOwner((_store: Store) => new Map<string, Shared>());

async function endOnDisk(store: Store, tenantId: string): Promise<number> {
  const seq = await store.read(tenantId, lastSeq);
  await untilOnDisk(store.pool);
  return seq;
}

const readable = async (store: Store, tx: Read, seq: number): Promise<Entry[]> =>
  reveal(tx, store.keyring, await entriesAfter(tx, seq, batch));

function start(store: Store, tenantId: string): Shared {
  const shared: Shared = {
    ready: Promise.resolve(), listeners: 0, seq: 0, recent: [], failure: null, waiting: new Set(),
  }; // prettier-ignore
  const wake = (): void => shared.waiting.forEach((one) => one());
  const poll = async (): Promise<void> => {
    while (shared.listeners > 0) {
      const entries = await store.read(tenantId, (tx) => readable(store, tx, shared.seq));
      const last = entries.at(-1);
      if (entries.some((e) => e.kind === 'user.erased')) shared.recent = []; // it was read before
      if (last) {
        await untilOnDisk(store.pool); // a seq that somebody was told is never given again
        shared.recent = [...shared.recent, ...entries].slice(-remembered);
        shared.seq = last.seq;
        wake();
      }
      if (entries.length < batch) await delay(pollMs);
    }
  };
  const over = (): void => {
    if (tailsOf(store).get(tenantId) === shared) tailsOf(store).delete(tenantId);
  };
  const fail = (error: unknown): void => {
    shared.failure = { error };
    over();
    wake();
  };
  shared.ready = endOnDisk(store, tenantId).then((seq) => {
    shared.seq = seq;
    poll().then(over, fail);
  }, fail); // prettier-ignore
  return shared;
}

/** Until somebody wakes us, the time is over, or nobody waits any more. */
const waitFor = (waiting: Set<() => void>, ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      waiting.delete(done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
    waiting.add(done);
  });

/** Joins the tail of a tenant's log. @throws what the database throws */
export async function listen(store: Store, tenantId: string): Promise<Tail> {
  const tails = tailsOf(store);
  // One that nobody listens to any more may be about to stop: it is not joined.
  const running = tails.get(tenantId);
  const shared = running?.listeners ? running : start(store, tenantId);
  tails.set(tenantId, shared);
  shared.listeners += 1;
  await shared.ready;
  const leave = (): void => {
    shared.listeners -= 1;
  };
  const assertRunning = (): void => {
    if (shared.failure) throw shared.failure.error;
  };
  if (shared.failure) leave();
  assertRunning();
  return {
    get seq() {
      return shared.seq;
    },
    async after(seq, ms, signal) {
      assertRunning();
      if (seq >= shared.seq && !signal.aborted) await waitFor(shared.waiting, ms, signal);
      assertRunning();
      if (signal.aborted || seq >= shared.seq) return [];
      const [oldest] = shared.recent;
      if (oldest && oldest.seq <= seq + 1) {
        const from = seq + 1 - oldest.seq; // without gaps: nobody of a thousand looks through all of them
        return shared.recent.slice(from, from + batch);
      }
      const entries = await store.read(tenantId, (tx) => readable(store, tx, seq));
      return entries.filter((e) => e.seq <= shared.seq);
    },
    leave,
  };
}
