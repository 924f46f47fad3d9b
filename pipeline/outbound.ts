import { readFileSync } from 'node:fs';
import { request as plain } from 'node:http';
import { request as secure } from 'node:https';

/** How an outside system that the operator named is reached. */
export interface Reach {
  /** PEM of the authorities that its certificate may be from, instead of those that the machine trusts. */
  ca: string | null;
  /** Of a whole answer. */
  timeoutMs: number;
  /** Bytes of an answer, at most. */
  longest: number;
}
export interface Outgoing {
  method: string;
  url: string;
  headers?: Record<string, string>;
  body?: string;
  /** Whoever waits for it may go. */
  signal?: AbortSignal;
}
export interface Incoming {
  status: number;
  text: string;
}

/** The file that a setting names. @throws Error naming the setting */
export function caOf(setting: string, path: string | null): string | null {
  if (path === null) return null;
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new Error(`${setting}: cannot read ${path}`, { cause });
  }
}

/**
 * One request and its whole answer. Redirects are answers like others: what a system is shown is meant for it alone.
 * @throws Error when there is no whole answer in time, or it is longer than any should be
 */
export function send({ method, url, headers = {}, body, signal }: Outgoing, reach: Reach): Promise<Incoming> {
  const target = new URL(url);
  const request = target.protocol === 'https:' ? secure : plain;
  const late = AbortSignal.timeout(reach.timeoutMs);
  const within = signal ? AbortSignal.any([signal, late]) : late;
  return new Promise<Incoming>((resolve, reject) => {
    const sized = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const options = {
      method,
      agent: false as const, // a connection that was kept may be closed at the other end just now
      headers: { 'user-agent': 'wheelhouse', accept: 'application/json', ...sized, ...headers },
      signal: within,
      ...(reach.ca !== null && { ca: reach.ca }),
    };
    const asked = request(target, options, (answer) => {
      const chunks: Buffer[] = [];
      let size = 0;
      answer.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size > reach.longest) answer.destroy(new Error(`the answer is longer than ${reach.longest} bytes`));
      });
      answer.on('error', (e) => reject(whyOf(e)));
      answer.on('close', () => reject(new Error('the answer broke off')));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }));
    });
    const whyOf = (e: Error): Error =>
      late.aborted && !signal?.aborted ? new Error(`no answer within ${reach.timeoutMs} ms`, { cause: e }) : e;
    asked.on('error', (e) => reject(whyOf(e))).end(body);
  });
}

/** An answer's JSON; null when it has none, as a proxy's page. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
