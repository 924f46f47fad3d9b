import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

/** One acknowledged call. */
export interface Acknowledged {
  path: string;
  status: number;
  body: Record<string, unknown>;
  /** performance.now() when the answer had arrived. */
  at: number;
}

export interface Caller {
  /** POSTs, and repeats with the same Idempotency-Key until it is acknowledged: any answer but trouble. */
  post(path: string, token: string, body: object, key?: string): Promise<Acknowledged>;
  readonly acknowledged: readonly Acknowledged[];
  readonly repeats: number;
  /** Calls that nothing acknowledged within the patience. */
  readonly unanswered: readonly string[];
  /** When the next 2xx arrives. */
  next(): Promise<number>;
}

const patienceMs = 90_000;

export function caller(urls: readonly string[]): Caller {
  const acknowledged: Acknowledged[] = [];
  const unanswered: string[] = [];
  let waiting: ((at: number) => void)[] = [];
  let repeats = 0;
  const once = async (path: string, token: string, body: object, key: string): Promise<Acknowledged | null> => {
    const url = urls[repeats % urls.length] ?? '';
    try {
      const res = await fetch(url + path, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': key },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(15_000),
      });
      const text = await res.text();
      if (res.status >= 500 || (res.status === 409 && text.includes('still running'))) return null;
      return { path, status: res.status, body: JSON.parse(text) as Record<string, unknown>, at: performance.now() };
    } catch {
      return null; // no answer is no acknowledgement: that is what is repeated
    }
  };
  return {
    acknowledged,
    unanswered,
    get repeats() {
      return repeats;
    },
    async post(path, token, body, key = randomUUID()) {
      const deadline = performance.now() + patienceMs;
      for (;;) {
        const answer = await once(path, token, body, key);
        if (answer) {
          acknowledged.push(answer);
          if (answer.status < 300) {
            for (const tell of waiting) tell(answer.at);
            waiting = [];
          }
          return answer;
        }
        if (performance.now() > deadline) {
          unanswered.push(path);
          throw new Error(`${path}: nothing acknowledged it within ${patienceMs / 1000} s`);
        }
        repeats += 1;
        await pause(100);
      }
    },
    next: () => new Promise((resolve) => waiting.push(resolve)),
  };
}
