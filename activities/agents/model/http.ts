import { APICallError, generateText, InvalidResponseDataError } from 'ai';
import { Unusable, type Model } from '../../../domain/model';
import { languageModel, troubleOf } from './endpoint';

/** `/chat/completions` is below the URL. */
export interface HttpModel {
  url: string;
  key: string | null;
  name: string;
  timeoutMs: number;
}

/** Bytes of an answer, and characters of what the model says in it. */
const longest = 256 * 1024;
const mostSaid = 16_000;
const mostTokens = 2_000;

/** What was no answer: of no use where it would be the same again, else trouble on the way. */
function failure(e: unknown, endpoint: Parameters<typeof troubleOf>[1]): Error {
  const trouble = troubleOf(e, endpoint);
  const { statusCode = null, responseBody = null } = APICallError.isInstance(e) ? e : {};
  const answer = responseBody && responseBody.slice(0, mostSaid);
  const refused = trouble.kind === 'rejected' || trouble.kind === 'too_long';
  if (refused) return new Unusable(statusCode !== null && statusCode >= 400 ? `the model answered ${statusCode}` : trouble.message, answer); // prettier-ignore
  if (statusCode === 200 || InvalidResponseDataError.isInstance(e))
    return new Unusable('the answer is no chat completion', answer);
  return trouble;
}

/** The chat completions of an OpenAI-compatible API: one answer a call, as a JSON object. */
export function httpModel({ url, key, name, timeoutMs }: HttpModel): Model {
  const endpoint = { api: 'openai' as const, url, key, model: name };
  return {
    name,
    timeoutMs,
    async ask(messages, idempotencyKey, signal) {
      const asked = generateText({
        model: languageModel(endpoint, longest, true),
        messages: [...messages],
        allowSystemInMessages: true, // they are ours
        temperature: 0,
        maxOutputTokens: mostTokens,
        maxRetries: 0,
        headers: { 'idempotency-key': idempotencyKey },
        abortSignal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      });
      const { text, finishReason } = await asked.catch((e: unknown) => {
        throw failure(e, endpoint);
      });
      if (text.length > mostSaid)
        throw new Unusable(`the answer has more than ${mostSaid} characters`, text.slice(0, mostSaid));
      if (finishReason === 'length') throw new Unusable('the answer was cut off', text);
      return text;
    },
  };
}
