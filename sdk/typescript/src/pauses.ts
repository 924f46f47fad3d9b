/** Waits, or throws what `signal` is aborted with. */
export function delay(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error);
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', abort, { once: true });
  });
}

/** Before the next attempt: up to a quarter of a second, then up to twice as long each time, eight seconds at most. */
export const pauseMs = (attempt: number): number => Math.random() * Math.min(8_000, 250 * 2 ** attempt);
