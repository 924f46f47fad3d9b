import { z } from 'zod';
import { Unusable, type Model } from '../../../domain/model';

/** `/chat/completions` is below the URL. */
export interface HttpModel {
  url: string;
  key: string | null;
  name: string;
  timeoutMs: number;
}

const Completion = z.object({
  choices: z
    .array(z.object({ message: z.object({ content: z.string() }), finish_reason: z.string().nullish() }))
    .min(1),
});

/** Bytes of an answer, and characters of what the model says in it. */
const longest = 256 * 1024;
const mostSaid = 16_000;
const mostTokens = 2_000;

/** @throws Unusable when it is longer than any answer that is wanted */
async function textOf(res: Response): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of res.body ?? []) {
    size += (chunk as Uint8Array).length;
    if (size > longest) throw new Unusable(`the answer is longer than ${longest} bytes`);
    chunks.push(Buffer.from(chunk as Uint8Array));
  }
  return Buffer.concat(chunks).toString('utf8');
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return null; // a proxy's page, say: no completion either way
  }
};

/** Answers that may be others in a while; every other refusal stays one. */
const transient = (status: number): boolean => status === 408 || status === 425 || status === 429 || status >= 500;

/** The chat completions of an OpenAI-compatible API: one answer a call, as a JSON object. */
export function httpModel({ url, key, name, timeoutMs }: HttpModel): Model {
  const target = `${url.replace(/\/+$/, '')}/chat/completions`;
  return {
    name,
    timeoutMs,
    async ask(messages, idempotencyKey, signal) {
      const res = await fetch(target, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'idempotency-key': idempotencyKey,
          ...(key !== null && { authorization: `Bearer ${key}` }),
        },
        body: JSON.stringify({
          model: name,
          messages,
          temperature: 0,
          max_tokens: mostTokens,
          response_format: { type: 'json_object' },
        }),
        redirect: 'error', // the key is meant for it alone
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      });
      const text = await textOf(res);
      if (transient(res.status)) throw new Error(`the model answered ${res.status}`);
      if (!res.ok) throw new Unusable(`the model answered ${res.status}`, text.slice(0, mostSaid));
      const completion = Completion.safeParse(parsed(text));
      const [choice] = completion.data?.choices ?? [];
      if (!choice) throw new Unusable('the answer is no chat completion', text.slice(0, mostSaid));
      const { content } = choice.message;
      if (content.length > mostSaid)
        throw new Unusable(`the answer has more than ${mostSaid} characters`, content.slice(0, mostSaid));
      if (choice.finish_reason === 'length') throw new Unusable('the answer was cut off', content);
      return content;
    },
  };
}
