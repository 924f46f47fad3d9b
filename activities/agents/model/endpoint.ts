import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, type LanguageModel } from 'ai';
import { ModelTrouble, type Endpoint } from '../../../domain/model';
import { filterOutput } from '../../../pipeline/output-filter';

// Its warnings go to the console, and say nothing that a setting here could change.
globalThis.AI_SDK_LOG_WARNINGS = false;

/** More bytes than any answer that is wanted. */
class TooMuch extends Error {}

/** No redirect: the key is meant for that address alone. No answer without end. */
const fetchOf =
  (mostBytes: number): typeof fetch =>
  async (input, init) => {
    const res = await fetch(input, { ...init, redirect: 'error' });
    let size = 0;
    const bounded = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        size += chunk.length;
        if (size > mostBytes) throw new TooMuch(`the answer is longer than ${mostBytes} bytes`);
        controller.enqueue(chunk);
      },
    });
    const { status, statusText, headers } = res;
    return new Response(res.body?.pipeThrough(bounded) ?? null, { status, statusText, headers });
  };

/** The model behind an endpoint, as the AI SDK speaks to it. `asJson`: it is to answer with one JSON object. */
export function languageModel(e: Endpoint, mostBytes: number, asJson = false): LanguageModel {
  const shared = { baseURL: e.url.replace(/\/+$/, ''), fetch: fetchOf(mostBytes) };
  // A key that is not given is none: the SDK would look for one in the environment.
  if (e.api === 'anthropic') return createAnthropic({ ...shared, apiKey: e.key ?? '' })(e.model);
  const provider = createOpenAICompatible({
    ...shared,
    name: 'endpoint',
    includeUsage: true,
    ...(e.key !== null && { apiKey: e.key }),
    ...(asJson && { transformRequestBody: (body) => ({ ...body, response_format: { type: 'json_object' } }) }),
  });
  return provider.chatModel(e.model);
}

/** Answers that may be others in a while; every other refusal stays one. */
const transient = (status: number): boolean => status === 408 || status === 425 || status === 429 || status >= 500;
/** Nothing was asked when there was nobody to ask. */
const unreached: readonly unknown[] = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'];
/** In the words of those that speak these APIs. */
const tooLong = /context.length|maximum context|prompt is too long|too many tokens|context_window/i;

function causes(e: unknown): { code?: unknown; name?: unknown; message?: unknown }[] {
  const found = [];
  for (let at = e; typeof at === 'object' && at !== null && found.length < 8; at = (at as { cause?: unknown }).cause)
    found.push(at);
  return found;
}

const mostWords = 300;
/** What an endpoint says of a refusal may hold what it was sent. */
const wordsOf = (body: string, { key }: Endpoint): string => {
  const text = key === null ? body : body.replaceAll(key, '[key removed]');
  return (filterOutput(text).value as string).slice(0, mostWords).toWellFormed();
};

/** Whatever an endpoint says: a run is not held for longer. */
const longestWaitMs = 600_000;
function retryAfter(headers: Record<string, string> | undefined): number | null {
  const value = headers?.['retry-after'];
  if (value === undefined) return null;
  const ms = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - Date.now();
  return ms > 0 ? Math.min(ms, longestWaitMs) : null;
}

/** What went wrong, without what was sent: the SDK's own errors hold the whole prompt. */
export function troubleOf(e: unknown, endpoint: Endpoint): ModelTrouble {
  if (e instanceof ModelTrouble) return e;
  const chain = causes(e);
  const late = chain.find((c) => c.name === 'TimeoutError' || c.name === 'AbortError');
  if (late) return Object.assign(new ModelTrouble('unheard', 'the model did not answer in time'), { name: late.name });
  const much = chain.find((c) => c instanceof TooMuch);
  if (much) return new ModelTrouble('rejected', String(much.message));
  const status = APICallError.isInstance(e) ? e.statusCode : undefined;
  if (APICallError.isInstance(e) && status !== undefined && status >= 400) {
    const body = wordsOf(e.responseBody ?? '', endpoint);
    if (transient(status))
      return new ModelTrouble('busy', `the model answered ${status}`, retryAfter(e.responseHeaders));
    return new ModelTrouble(tooLong.test(body) ? 'too_long' : 'rejected', `the model answered ${status}: ${body}`);
  }
  const code = chain.map((c) => c.code).find((c) => typeof c === 'string');
  if (unreached.includes(code)) return new ModelTrouble('busy', `the model cannot be reached (${String(code)})`);
  const said = chain.at(-1)?.message ?? e;
  return new ModelTrouble('unheard', `no answer of the model: ${wordsOf(String(said), endpoint)}`);
}
