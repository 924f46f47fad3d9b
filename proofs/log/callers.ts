import { setTimeout as pause } from 'node:timers/promises';
import { v7 } from 'uuid';

/** Callers that add notes over HTTP, each of them to a ticket of its own, and what they heard. */
export interface Callers {
  /** Keys of notes whose writing was acknowledged. */
  readonly acknowledged: string[];
  /** Answers of 503; each of them said when to come back, else it is in `wrong`. */
  readonly told: number;
  /** Answers that no caller should have got. */
  readonly wrong: string[];
  /** Each has its answer, or has given up. */
  stop(): Promise<void>;
}

const patienceMs = 60_000;

/** Every note is asked for until it is acknowledged, at one API after the other, with the same `Idempotency-Key`. */
export async function calling(urls: readonly string[], token: string, count: number): Promise<Callers> {
  const acknowledged: string[] = [];
  const wrong: string[] = [];
  let told = 0;
  let ending = false;
  const post = (url: string, path: string, key: string, body: object): Promise<Response> =>
    fetch(url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(20_000),
    });
  /** Null: nobody knows whether it was done. */
  const once = async (url: string, path: string, key: string, body: object): Promise<string | null> => {
    const answer = await post(url, path, key, body).catch(() => null); // its API was killed
    const text = (await answer?.text().catch(() => null)) ?? null;
    if (!answer || text === null) return null;
    if (answer.ok) return text;
    if (answer.status === 503 && Number(answer.headers.get('retry-after')) > 0) told += 1;
    else if (answer.status !== 409 || !text.includes('still running')) wrong.push(`${path}: ${answer.status} ${text}`);
    return null;
  };
  const until = async (n: number, path: string, key: string, body: object): Promise<string | null> => {
    const late = performance.now() + patienceMs;
    for (let tries = n; performance.now() < late; tries += 1) {
      const text = await once(urls[tries % urls.length] ?? '', path, key, body);
      if (text !== null) return text;
      if (ending) return null;
      await pause(100);
    }
    wrong.push(`${path}: nothing acknowledged it within ${patienceMs / 1000} s`);
    return null;
  };
  const tickets = await Promise.all(
    Array.from({ length: count }, async (_, n) => {
      const made = await until(n, '/api/tickets', v7(), { title: 'proof', auto_assign: false });
      return (JSON.parse(made ?? '{}') as { id?: number }).id;
    }),
  );
  const loops = tickets.map(async (ticket, n) => {
    while (!ending) {
      const key = v7();
      const done = await until(n, `/api/tickets/${ticket}/notes`, key, { body: key, external_ref: key });
      if (done !== null) acknowledged.push(key);
    }
  });
  return {
    acknowledged,
    wrong,
    get told() {
      return told;
    },
    stop: async () => {
      ending = true;
      await Promise.all(loops);
    },
  };
}
