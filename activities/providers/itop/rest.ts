import { request as plain } from 'node:http';
import { request as secure } from 'node:https';
import { z } from 'zod';
import { Refused } from '../../../domain/provider';
import { egressAgent, isGuarded } from '../../../pipeline/egress';

export interface RestSettings {
  url: string;
  user: string;
  password: string;
  timeoutMs: number;
  allowPrivate: boolean;
}

/** An answer of iTop's REST services: errors are codes in it, under HTTP 200. */
const Answer = z.object({
  code: z.int(),
  message: z.string().nullish(),
  authorized: z.boolean().optional(),
  objects: z
    .record(
      z.string(),
      z.object({
        code: z.int().optional(),
        message: z.string().nullish(),
        class: z.string(),
        key: z.union([z.string(), z.number()]).transform(String),
        fields: z.record(z.string(), z.unknown()).default({}),
      }),
    )
    .nullish(),
});
export interface RestObject {
  class: string;
  key: string;
  fields: Record<string, unknown>;
}
export interface RestAnswer {
  authorized: boolean | undefined;
  objects: RestObject[];
}

const version = '1.4';
const longest = 32 * 1024 * 1024;
/** As much of its words as people are told. */
const mostWords = 500;

/** Posts the form, and gives the answer's status and text. @throws Error when there is none in time */
function post(
  target: string,
  form: string,
  s: RestSettings,
  signal: AbortSignal,
): Promise<{ status: number; text: string }> {
  const agent = egressAgent(target, s.allowPrivate);
  const request = new URL(target).protocol === 'https:' ? secure : plain;
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    'content-length': String(Buffer.byteLength(form)),
    authorization: `Basic ${Buffer.from(`${s.user}:${s.password}`).toString('base64')}`,
    accept: 'application/json',
    'user-agent': 'wheelhouse',
  };
  const within = AbortSignal.any([signal, AbortSignal.timeout(s.timeoutMs)]);
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const asked = request(target, { method: 'POST', agent, headers, signal: within }, (answer) => {
      const chunks: Buffer[] = [];
      let size = 0;
      answer.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size > longest) answer.destroy(new Error(`iTop's answer is longer than ${longest} bytes`));
      });
      answer.on('error', reject);
      answer.on('close', () => reject(new Error("iTop's answer broke off")));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }));
    });
    asked.on('error', (e) => reject(within.aborted && !signal.aborted ? late(s) : e)).end(form);
  }).finally(() => {
    agent.destroy();
  });
}

const late = ({ timeoutMs }: RestSettings): Error => new Error(`iTop did not answer within ${timeoutMs} ms`);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // a page of PHP's or of a proxy's: no answer of the REST services either way
  }
}

/**
 * One call of iTop's REST services.
 * @throws Refused when iTop says that it was not done; Error when nothing is known of it
 */
export function itopRest(s: RestSettings) {
  const target = `${s.url.replace(/\/+$/, '').replace(/\/webservices\/rest\.php$/, '')}/webservices/rest.php`;
  return async (operation: string, args: Record<string, unknown>, signal: AbortSignal): Promise<RestAnswer> => {
    const form = new URLSearchParams({
      version,
      json_output: '1',
      json_data: JSON.stringify({ operation, ...args }),
    }).toString();
    const { status, text } = await post(target, form, s, signal).catch((e: unknown) => {
      throw isGuarded(e) ? new Refused(e instanceof Error ? e.message : String(e)) : e;
    });
    if (status === 401 || status === 403) throw new Refused(`iTop does not let us in: HTTP ${status}`);
    if (status !== 200) throw new Error(`iTop answered HTTP ${status}`);
    const { data: answer } = Answer.safeParse(parsed(text));
    if (!answer) throw new Error('iTop answered something else than its REST services do');
    if (answer.code !== 0)
      throw new Refused(
        `iTop refused ${operation}: ${(answer.message ?? '').slice(0, mostWords).toWellFormed()} (code ${answer.code})`,
      );
    const objects = Object.values(answer.objects ?? {});
    const failed = objects.find((o) => (o.code ?? 0) !== 0);
    if (failed)
      throw new Refused(
        `iTop refused ${operation}: ${(failed.message ?? '').slice(0, mostWords)} (code ${failed.code})`,
      );
    return { authorized: answer.authorized, objects };
  };
}
export type Rest = ReturnType<typeof itopRest>;
