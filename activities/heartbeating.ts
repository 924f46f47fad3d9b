import { Context } from '@temporalio/activity';

/** Heartbeats while `work` runs, so that a worker that died is noticed in seconds and a cancelled step stops. */
export async function heartbeating<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { heartbeat, cancellationSignal } = Context.current();
  const beat = setInterval(() => heartbeat(), 2_000);
  try {
    return await work(cancellationSignal);
  } finally {
    clearInterval(beat);
  }
}
