import { request as plain, type IncomingMessage } from 'node:http';
import { request as secure } from 'node:https';
import { Readable } from 'node:stream';
import { egressAgent } from '../egress';

export interface EgressSettings {
  /** Servers may be at private and loopback addresses. */
  allowPrivate: boolean;
  /** A longer answer is broken off. */
  maxBytes: number;
}

const withoutBody = new Set([101, 204, 205, 304]);

async function* bounded(answer: IncomingMessage, most: number): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > most) throw new Error(`the answer is longer than ${most} bytes`);
    yield chunk;
  }
}

const headersOf = (answer: IncomingMessage): Headers => {
  const headers = new Headers();
  for (let i = 0; i + 1 < answer.rawHeaders.length; i += 2)
    headers.append(answer.rawHeaders[i] ?? '', answer.rawHeaders[i + 1] ?? '');
  return headers;
};

/**
 * `fetch` for speaking to a tool server: private addresses are refused whatever a name resolves to, redirects are answers
 * like others, and no answer is longer than allowed. The stream that a server may push to is not asked for: what its tools
 * are is asked before each call.
 */
export function guardedFetch(settings: EgressSettings) {
  const out = fetchOut(settings);
  return (url: string | URL, init: RequestInit = {}): Promise<Response> =>
    init.method === 'GET' ? Promise.resolve(new Response(null, { status: 405 })) : out(url, init);
}

/** The same with whatever method is asked for. */
export function fetchOut({ allowPrivate, maxBytes }: EgressSettings) {
  return (url: string | URL, init: RequestInit = {}): Promise<Response> => {
    const target = new URL(url);
    const agent = egressAgent(target.href, allowPrivate);
    const request = target.protocol === 'https:' ? secure : plain;
    const text = init.body instanceof URLSearchParams ? init.body.toString() : init.body;
    const body = typeof text === 'string' ? Buffer.from(text) : null;
    const headers = Object.fromEntries(new Headers(init.headers).entries());
    return new Promise<Response>((resolve, reject) => {
      const asked = request(
        target,
        {
          method: init.method ?? 'POST',
          agent,
          headers: { 'user-agent': 'wheelhouse', ...headers, ...(body && { 'content-length': String(body.length) }) },
          ...(init.signal && { signal: init.signal }),
        },
        (answer) => {
          const status = answer.statusCode ?? 0;
          answer.once('close', () => agent.destroy());
          if (withoutBody.has(status)) answer.resume();
          const stream = withoutBody.has(status)
            ? null
            : Readable.toWeb(Readable.from(bounded(answer, maxBytes), { objectMode: false }));
          resolve(
            new Response(stream as ConstructorParameters<typeof Response>[0], {
              status,
              headers: headersOf(answer),
            }),
          );
        },
      );
      asked.on('error', (e) => {
        agent.destroy();
        reject(e);
      });
      asked.end(body ?? undefined);
    });
  };
}
