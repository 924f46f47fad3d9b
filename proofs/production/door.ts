import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { client, type Call } from '../../cli/story';
import type { Acknowledged } from '../crash/caller';

/** Calls at several APIs, as somebody makes them who has all their addresses. */
export interface Door {
  call: Call;
  /** POSTs that were answered, for who judges. */
  readonly acknowledged: readonly Acknowledged[];
  /** Calls that went to another address as well, because of no answer or of trouble. */
  readonly repeats: number;
}

const patienceMs = 60_000;

/** Asks the first address, and on trouble the next, with the same Idempotency-Key, until one answers. */
export function door(urls: readonly string[], token: string): Door {
  const acknowledged: Acknowledged[] = [];
  let repeats = 0;
  let turn = 0;

  const once = async (path: string, init: RequestInit): Promise<Response | null> => {
    try {
      const res = await fetch((urls[turn % urls.length] ?? '') + path, {
        ...init,
        signal: AbortSignal.timeout(15_000),
      });
      const text = await res.text();
      if (res.status >= 500 || (res.status === 409 && text.includes('still running'))) return null;
      if (init.method === 'POST' && res.headers.get('content-type')?.includes('json')) {
        const body = JSON.parse(text) as Record<string, unknown>;
        acknowledged.push({ path, status: res.status, body, at: performance.now() });
      }
      return new Response(text, { status: res.status, headers: res.headers });
    } catch {
      return null; // no answer is no acknowledgement: that is what is repeated
    }
  };
  const send = async (path: string, init: RequestInit): Promise<Response> => {
    const headers = { ...init.headers, ...(init.method === 'POST' && { 'idempotency-key': randomUUID() }) };
    for (const deadline = performance.now() + patienceMs; ; await pause(50)) {
      const answer = await once(path, { ...init, headers });
      if (answer) return answer;
      if (performance.now() > deadline) throw new Error(`${path}: nobody answered within ${patienceMs / 1000} s`);
      repeats += 1;
      turn += 1;
    }
  };
  return {
    call: client({ url: '', token }, send),
    acknowledged,
    get repeats() {
      return repeats;
    },
  };
}
