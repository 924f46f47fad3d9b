import type { Connection } from './connection.js';
import { ApiError, RateLimitError, ServerError, WheelhouseError } from './errors.js';
import { delay, pauseMs } from './pauses.js';
import { hear } from './sockets.js';

export interface WatchOptions {
  /** Ends it, as `stop` does. */
  signal?: AbortSignal | undefined;
  /** How often it is asked for while no WebSocket tells of changes: every two seconds unless given. */
  intervalMs?: number | undefined;
  /** How long the server may be away before that is thrown: five minutes unless given. */
  patienceMs?: number | undefined;
}
export interface Watch<T> {
  /** Nothing more is told. */
  stop(): void;
  /**
   * How it ended; null when it was stopped before. Rejects when it cannot be watched (there is no such task, it is not yours to
   * see, the server is away for too long), or with what the callback throws.
   */
  readonly ended: Promise<T | null>;
}

interface Watched {
  id: string;
  agentId: string;
  status: string;
}
const over = new Set(['completed', 'failed', 'cancelled']);
/** However well the socket is, it is asked for now and then. */
const besidesMs = 30_000;
/** What passes: the server is away, or asks to come later. */
const passes = (error: unknown): boolean =>
  error instanceof WheelhouseError &&
  (!(error instanceof ApiError) || error instanceof ServerError || error instanceof RateLimitError);

export function watch<T extends Watched>(
  connection: Connection,
  get: (signal: AbortSignal) => Promise<T>,
  callback: (task: T) => void,
  options: WatchOptions = {},
): Watch<T> {
  const stopped = new AbortController();
  const stop = (): void => stopped.abort();
  options.signal?.addEventListener('abort', stop, { once: true });
  if (options.signal?.aborted) stop();
  const ended = follow(connection, get, callback, options, stopped.signal).finally(() => {
    options.signal?.removeEventListener('abort', stop);
    stop();
  });
  return { stop, ended };
}

/** Somebody waits for it, or for a time. */
class Bell {
  #ring: () => void = () => undefined;
  /** @returns once it rings from now on, `ms` have passed, or `signal` is aborted, whichever is first; nothing is left behind */
  next(signal: AbortSignal): (ms: number) => Promise<void> {
    let rung = false;
    this.#ring = () => (rung = true);
    return (ms) =>
      new Promise((resolve) => {
        if (rung || signal.aborted) return resolve();
        const done = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', done);
          resolve();
        };
        const timer = setTimeout(done, ms);
        signal.addEventListener('abort', done, { once: true });
        this.#ring = done;
      });
  }
  ring(): void {
    this.#ring();
  }
}

async function follow<T extends Watched>(
  connection: Connection,
  get: (signal: AbortSignal) => Promise<T>,
  callback: (task: T) => void,
  { intervalMs = 2_000, patienceMs = 300_000 }: WatchOptions,
  signal: AbortSignal,
): Promise<T | null> {
  const bell = new Bell();
  let heardAt = Date.now();
  let seen = '';
  let listening: Listening | null = null;
  while (!signal.aborted) {
    const pause = bell.next(signal);
    try {
      const task = await get(signal);
      heardAt = Date.now();
      const now = JSON.stringify(task);
      if (now !== seen) callback(task);
      seen = now;
      if (over.has(task.status)) return task;
      listening ??= listen(connection, task, signal, () => bell.ring());
    } catch (error) {
      if (signal.aborted) return null;
      if (!passes(error) || Date.now() - heardAt > patienceMs) throw error;
    }
    await pause(listening?.live ? besidesMs : intervalMs);
  }
  return null;
}

interface Listening {
  live: boolean;
}

/** Rings for each event of the task, and when what it hears by comes or goes; comes back by itself until it is refused. */
function listen(connection: Connection, task: Watched, signal: AbortSignal, ring: () => void): Listening {
  const state: Listening = { live: false };
  const become = (live: boolean): void => {
    state.live = live;
    ring();
  };
  const again = async (): Promise<void> => {
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      const end = await hear(connection, task, signal, (type) => {
        attempt = 0;
        if (type === 'subscribed') become(true);
        else ring();
      });
      if (state.live) become(false);
      if (end === 'refused' || signal.aborted) return;
      await delay(500 + pauseMs(attempt), signal).catch(() => undefined);
    }
  };
  void again();
  return state;
}
