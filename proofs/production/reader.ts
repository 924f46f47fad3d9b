import { setTimeout as pause } from 'node:timers/promises';

export interface Received {
  /** Its place in the log. */
  id: number;
  data: string;
  /** Which of the APIs sent it. */
  via: number;
}

/** Somebody who reads the event stream, and on every cut goes on at the next API after the last event that arrived whole. */
export interface Reader {
  readonly received: readonly Received[];
  /** Streams that ended before they were given up. */
  readonly cuts: number;
  /** Resolves when an event of that place or a later one has arrived. @throws Error when none has within the patience */
  until(id: number): Promise<void>;
  /** @throws what kept it from reading, but for the network's trouble */
  close(): Promise<void>;
}

const patienceMs = 60_000;

/** Complete frames of a stream's text, and the rest. */
function frames(text: string): { whole: { id: number; data: string }[]; rest: string } {
  const parts = text.split('\n\n');
  const rest = parts.pop() ?? '';
  const whole = parts.flatMap((part) => {
    const lines = part.split('\n');
    const field = (name: string) => lines.find((l) => l.startsWith(`${name}: `))?.slice(name.length + 2);
    const [event, id, data] = [field('event'), field('id'), field('data')];
    // What has a name (connected, heartbeat) is no entry of the log.
    return event === undefined && id !== undefined && data !== undefined ? [{ id: Number(id), data }] : [];
  });
  return { whole, rest };
}

/** Reads from the log's first entry on, at the API of that index first. */
export function readEvents(urls: readonly string[], token: string, first: number): Reader {
  const received: Received[] = [];
  const over = new AbortController();
  let cuts = 0;

  const read = async (via: number): Promise<void> => {
    const res = await fetch(`${urls[via]}/events/stream`, {
      headers: { authorization: `Bearer ${token}`, 'last-event-id': String(received.at(-1)?.id ?? 0) },
      signal: over.signal,
    });
    if (res.status >= 500) return; // its database is away, say: the next one is asked
    if (!res.ok || !res.body) throw new Refused(`the event stream answered ${res.status}: ${await res.text()}`);
    const decoder = new TextDecoder();
    let text = '';
    for await (const chunk of res.body as unknown as AsyncIterable<Uint8Array>) {
      const { whole, rest } = frames(text + decoder.decode(chunk, { stream: true }));
      text = rest;
      received.push(...whole.map((frame) => ({ ...frame, via })));
    }
  };
  const reading = (async () => {
    for (let via = first; !over.signal.aborted; via = (via + 1) % urls.length) {
      await read(via).catch((e: unknown) => {
        if (e instanceof Refused) throw e; // a lost connection is what it is about, a refusal is not
      });
      if (over.signal.aborted) return;
      cuts += 1;
      await pause(20);
    }
  })();
  reading.catch(() => undefined); // told when it is closed
  return {
    received,
    get cuts() {
      return cuts;
    },
    until: async (id) => {
      for (const deadline = Date.now() + patienceMs; (received.at(-1)?.id ?? 0) < id; await pause(20))
        if (Date.now() > deadline) throw new Error(`event ${id} did not arrive within ${patienceMs / 1000} s`);
    },
    close: async () => {
      over.abort();
      await reading;
    },
  };
}

class Refused extends Error {}
