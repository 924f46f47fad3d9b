import { createHash } from 'node:crypto';
import { z } from 'zod';
import { BadGateway, NotFound } from '../../domain/errors';
import { jsonOf, send, type Incoming, type Reach } from '../outbound';
import { basic, type Login } from './login';

/** An answer of the manager's API: `error` 0 is all of it, 1 nothing, 2 a part. */
const Answer = z.object({
  error: z.int(),
  data: z.object({
    affected_items: z.array(z.record(z.string(), z.unknown())),
    total_affected_items: z.int(),
    failed_items: z.array(z.object({ error: z.object({ code: z.int(), message: z.string() }) })).default([]),
  }),
});
type Data = z.output<typeof Answer>['data'];

const jwt = /^[\w-]+\.[\w-]+\.[\w-]+$/;
/** Logins whose token is kept at a time. */
const most = 32;
/** What Wazuh says of a rule that it does not have. */
const noSuchRule = 1208;

const away = (what: string): BadGateway => new BadGateway(`Wazuh's manager ${what}`, { reason: 'wazuh_manager' });

/** One call there; what went wrong on the way is told in words that hold nothing of what was sent. */
async function ask(
  url: string,
  headers: Record<string, string>,
  reach: Reach,
  how: { method: string; signal?: AbortSignal },
): Promise<Incoming> {
  try {
    return await send({ url, headers, ...how }, reach);
  } catch (e) {
    how.signal?.throwIfAborted();
    throw away(`did not answer: ${e instanceof Error ? e.message : String(e)}`);
  }
}

/**
 * The manager's API. A token is asked for with the login and kept for all who have it; when Wazuh does not know it any
 * more, another is asked for, once.
 * @throws BadGateway when it is away, says no, or answers what it never does
 */
export function wazuhManager(base: string, reach: Reach) {
  const tokens = new Map<string, Promise<string>>();
  const keyOf = ({ user, password }: Login): string =>
    createHash('sha256')
      .update(JSON.stringify([user, password]))
      .digest('hex');

  /** Not ended by whoever asked first: others wait for it as well. */
  const authenticate = async (login: Login): Promise<string> => {
    const url = `${base}/security/user/authenticate?raw=true`;
    const { status, text } = await ask(url, { authorization: basic(login), accept: 'text/plain' }, reach, {
      method: 'POST',
    });
    if (status === 401 || status === 403) throw away(`does not let us in: HTTP ${status}`);
    if (status !== 200) throw away(`answered HTTP ${status} to who we are`);
    const token = text.trim();
    if (token.length > 8_192 || !jwt.test(token)) throw away('answered no token to who we are');
    return token;
  };
  const tokenOf = (key: string, login: Login): Promise<string> => {
    const known = tokens.get(key);
    if (known) return known;
    const [oldest] = tokens.keys();
    if (tokens.size >= most && oldest !== undefined) tokens.delete(oldest);
    const asked = authenticate(login);
    tokens.set(key, asked);
    asked.catch(() => tokens.get(key) === asked && tokens.delete(key));
    return asked;
  };

  const get = async (path: string, login: Login, signal: AbortSignal): Promise<Data> => {
    const key = keyOf(login);
    const once = async (): Promise<{ answer: Incoming; token: Promise<string> }> => {
      const token = tokenOf(key, login);
      const headers = { authorization: `Bearer ${await token}` };
      return { token, answer: await ask(`${base}${path}`, headers, reach, { method: 'GET', signal }) };
    };
    let { answer, token } = await once();
    if (answer.status === 401) {
      if (tokens.get(key) === token) tokens.delete(key); // unless another has one by now
      ({ answer, token } = await once());
    }
    if (answer.status === 401) throw away('knows none of the tokens that it gives us');
    if (answer.status !== 200) throw away(`answered HTTP ${answer.status}`);
    const { data: read } = Answer.safeParse(jsonOf(answer.text));
    if (!read) throw away('answered something else than its API does');
    const [failed] = read.data.failed_items;
    if (read.error === 1 && failed?.error.code !== noSuchRule) {
      throw away(`says: ${failed?.error.message.slice(0, 300) ?? 'nothing was done'}`);
    }
    return read.data;
  };

  return {
    status: (login: Login, signal: AbortSignal): Promise<Data> => get('/manager/status', login, signal),
    /** @throws NotFound when Wazuh has no such rule */
    async rule(id: number, login: Login, signal: AbortSignal): Promise<Data> {
      const data = await get(`/rules?rule_ids=${id}`, login, signal);
      if (data.affected_items.length === 0) throw new NotFound(`Wazuh has no rule ${id}`);
      return data;
    },
  };
}
