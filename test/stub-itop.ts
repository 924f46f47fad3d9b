import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isLog, known, matrix, requests, stimuli } from './stub-itop-model';

type Fields = Record<string, unknown>;
export interface ItopObject {
  class: string;
  id: number;
  fields: Fields;
}
interface Call {
  operation: string;
  class?: string;
  key?: unknown;
  fields?: Fields;
  [more: string]: unknown;
}
/** What it does with a call instead of, or after, what it was asked. */
export type Trouble =
  | { kind: 'http'; status: number }
  | { kind: 'code'; code: number; message: string }
  | { kind: 'page' }
  /** No answer at all. */
  | { kind: 'silence' }
  /** It does what it was asked, and the answer never comes. */
  | { kind: 'deaf' }
  | { kind: 'slow'; ms: number };

const user = 'rest';
const password = 'rest-password';
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

class Refusal extends Error {}
const refuse = (message: string): never => {
  throw new Refusal(message);
};

/** An iTop that keeps its tickets, over the REST services' protocol, and fails on demand. */
export async function stubItop() {
  const objects: ItopObject[] = [];
  const calls: Call[] = [];
  let sequence = 0;
  let trouble: { of: (call: Call) => boolean; what: Trouble; left: number }[] = [];
  const clock = (): string => new Date().toISOString().replace('T', ' ').slice(0, 19);
  const find = (of: string, id: number) => objects.find((o) => o.class === of && o.id === id);
  const derive = (o: ItopObject): void => {
    const name = (of: string, id: unknown, field: string): string => textOf(find(of, Number(id))?.fields[field]);
    if (requests.includes(o.class))
      o.fields['priority'] = matrix[`${String(o.fields['impact'])}/${String(o.fields['urgency'])}`] ?? '3';
    if (o.class === 'Person' || o.class === 'Team') return;
    o.fields['agent_name'] = name('Person', o.fields['agent_id'], 'friendlyname');
    o.fields['caller_name'] = name('Person', o.fields['caller_id'], 'friendlyname');
    o.fields['team_name'] = name('Team', o.fields['team_id'], 'name');
  };
  const check = (of: string, fields: Fields): void => {
    for (const key of Object.keys(fields))
      if (!known[of]?.includes(key)) refuse(`${key}: Unknown attribute ${key} for the class ${of}`);
    if (textOf(fields['title']).length > 240) refuse('title: string too long, 240 characters at most');
  };
  /** The newest entry comes first, as text and as markup. */
  const append = (o: ItopObject, log: string, html: string, login: string): void => {
    const { entries } = (o.fields[log] ?? { entries: [] }) as { entries: object[] };
    const message = html.replace(/<[^>]*>/g, '').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&'); // prettier-ignore
    o.fields[log] = { entries: [{ date: clock(), user_login: login, message, message_html: html }, ...entries] };
  };
  /** Values are set, and logs are added to. */
  const write = (o: ItopObject, fields: Fields): void => {
    for (const [key, value] of Object.entries(fields)) {
      const added = (value as { add_item?: { message?: unknown } } | null)?.add_item?.message;
      if (!isLog(key)) o.fields[key] = value;
      else
        append(o, key, textOf(typeof value === 'string' ? value : added) || refuse(`${key}: no entry`), 'My REST User');
    }
    derive(o);
  };
  const make = (of: string, fields: Fields): ItopObject => {
    const made: ItopObject = { class: of, id: ++sequence, fields: { ...(of === 'Person' || of === 'Team' ? {} : { status: 'new', description: '' }), ...(requests.includes(of) && { impact: '1', urgency: '4' }), ...fields } }; // prettier-ignore
    derive(made);
    objects.push(made);
    return made;
  };

  /** As much of OQL as is asked for here, an id, or fields that must be equal. */
  const select = (of: string, key: unknown): ItopObject[] => {
    const all = objects.filter((o) => o.class === of);
    if (typeof key === 'object' && key !== null)
      return all.filter((o) => Object.entries(key).every(([k, v]) => String(o.fields[k]) === String(v)));
    const text = String(key);
    if (/^\d+$/.test(text)) return all.filter((o) => o.id === Number(text));
    const above = /^SELECT (\w+) WHERE id > (-?\d+)$/.exec(text);
    if (above?.[1] === of) return all.filter((o) => o.id > Number(above[2]));
    const like = /^SELECT (\w+) WHERE description LIKE '%([^'%]+)%'$/.exec(text);
    if (like?.[1] === of) return all.filter((o) => String(o.fields['description']).includes(like[2] ?? ''));
    return refuse(`OQL: ${text}`);
  };
  const shown = (list: ItopObject[], output: unknown): object => ({
    code: 0,
    message: `Found: ${list.length}`,
    objects: list.length === 0 ? null : Object.fromEntries(
      list.map((o) => {
        const names = (textOf(output) || 'id').split(',').map((n) => n.trim());
        for (const n of names) if (n !== 'id' && !known[o.class]?.includes(n)) refuse(`output_fields: Unknown attribute ${n} for the class ${o.class}`);
        const fields = Object.fromEntries(names.map((n) => [n, n === 'id' ? String(o.id) : (o.fields[n] ?? (isLog(n) ? { entries: [] } : n.endsWith('_id') ? '0' : ''))]));
        return [`${o.class}::${o.id}`, { code: 0, message: '', class: o.class, key: String(o.id), fields }];
      }),
    ),
  }); // prettier-ignore

  const answer = (call: Call): object => {
    const of = call.class ?? '';
    if (call.operation === 'core/check_credentials')
      return { code: 0, message: '', authorized: call['user'] === user && call['password'] === password };
    if (!known[of]) return refuse(`class: '${of}' is not a valid class`);
    const one = (): ItopObject => select(of, call.key)[0] ?? refuse(`Could not load object ${of}::${String(call.key)}`);
    switch (call.operation) {
      case 'core/get': {
        const [limit, page] = [Number(call['limit'] ?? 0), Number(call['page'] ?? 1)];
        const all = select(of, call.key);
        return shown(limit > 0 ? all.slice((page - 1) * limit, page * limit) : all, call['output_fields']);
      }
      case 'core/create': {
        const fields = call.fields ?? {};
        check(of, fields);
        if (!fields['org_id']) refuse('org_id: Null not allowed');
        if (requests.includes(of) && !fields['caller_id']) refuse('caller_id: Null not allowed');
        return shown([make(of, fields)], call['output_fields']);
      }
      case 'core/update': {
        const object = one();
        check(of, call.fields ?? {});
        write(object, call.fields ?? {});
        return shown([object], call['output_fields']);
      }
      case 'core/apply_stimulus': {
        const object = one();
        const stimulus = stimuli[String(call['stimulus'])];
        if (!stimulus?.only.includes(of) || !stimulus.from.includes(String(object.fields['status'])))
          return refuse(
            `Invalid stimulus: '${String(call['stimulus'])}' on the object ${of}::${object.id} in state '${String(object.fields['status'])}'`,
          );
        check(of, call.fields ?? {});
        const missing = stimulus.needs.filter((n) => !Number((call.fields ?? {})[n] ?? object.fields[n] ?? 0));
        if (missing.length > 0)
          return refuse(`Missing mandatory attribute(s) for applying the stimulus: ${missing.join(', ')}.`);
        write(object, { ...call.fields, status: stimulus.to });
        return shown([object], call['output_fields']);
      }
    }
    return { code: 11, message: `Unknown operation ${call.operation}` };
  };

  const say = (res: ServerResponse, body: object): void =>
    void res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  const respond = (call: Call, res: ServerResponse): void => {
    calls.push(call);
    const now = trouble.find((t) => t.left > 0 && t.of(call));
    if (now) now.left -= 1;
    const what = now?.what;
    const done = (): object => {
      try {
        return answer(call);
      } catch (e) {
        if (e instanceof Refusal) return { code: 100, message: `Error: ${e.message}` };
        throw e;
      }
    };
    switch (what?.kind) {
      case 'http':
        return void res.writeHead(what.status).end('<h1>Trouble</h1>');
      case 'code':
        return say(res, { code: what.code, message: what.message });
      case 'page':
        return void res
          .writeHead(200, { 'content-type': 'text/html' })
          .end('<html><body>Fatal error: out of memory</body></html>');
      case 'silence':
        return;
      case 'deaf':
        return void done();
      case 'slow':
        return void setTimeout(() => say(res, done()), what.ms);
      case undefined:
        return say(res, done());
    }
  };
  const server = createServer((req: IncomingMessage, res) => {
    let body = '';
    req.on('data', (part: Buffer) => (body += part.toString()));
    req.on('end', () => {
      const form = new URLSearchParams(body);
      const basic = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
      if (req.url !== '/itop/webservices/rest.php') return void res.writeHead(404).end();
      if (req.headers.authorization !== basic) return say(res, { code: 1, message: 'Error: Invalid login' });
      if (form.get('version') !== '1.4') return say(res, { code: 10, message: 'Error: Invalid version' });
      respond(JSON.parse(form.get('json_data') ?? '{}') as Call, res);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const org = ++sequence;
  const caller = make('Person', { friendlyname: 'Service Desk', email: 'desk@itop.test' }).id;
  const agent = make('Person', { friendlyname: 'Ada Agent', email: 'ada@itop.test' }).id;
  const team = make('Team', { name: 'Tier 1' }).id;
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/itop`;
  return {
    url: base,
    ids: { org, caller, agent, team },
    calls,
    objects,
    make,
    /** What a server needs to know of it; nobody is set to get tickets unless asked for. */
    settings: (more: Record<string, string> = {}): Record<string, string> => ({
      ITOP_URL: base, ITOP_USER: user, ITOP_PASSWORD: password, ITOP_ALLOW_PRIVATE: '1', ITOP_TIMEOUT_MS: '1000',
      ITOP_DEFAULT_ORG_ID: String(org), ITOP_DEFAULT_CALLER_ID: String(caller), ITOP_DISCOVERY_SECONDS: '86400',
      ITOP_SYNC_SECONDS: '86400', ...more,
    }), // prettier-ignore
    tickets: (title?: string) =>
      objects.filter((o) => 'status' in o.fields && (title === undefined || o.fields['title'] === title)),
    ticket(ref: unknown): ItopObject {
      const found = objects.find((o) => String(o.id) === String(ref));
      if (!found) throw new Error(`the stub has no ${String(ref)}`);
      return found;
    },
    /** The next so many calls of that operation (and class, or such) go wrong. */
    fails(operation: string, what: Trouble, times = Infinity, of?: string | ((call: Call) => boolean)): void {
      const such = (c: Call) => (typeof of === 'function' ? of(c) : of === undefined || c.class === of);
      trouble.push({ of: (c) => c.operation === operation && such(c), what, left: times });
    },
    heals(): void {
      trouble = [];
    },
    /** Somebody writes into a log of the ticket; the newest entry comes first. */
    writes(ref: unknown, field: 'public_log' | 'private_log', message: string, login = 'dana'): void {
      append(this.ticket(ref), field, message, login);
    },
    /** What a log says, oldest first. */
    log(ref: unknown, field: 'public_log' | 'private_log'): string[] {
      const { entries = [] } = (this.ticket(ref).fields[field] ?? {}) as { entries?: { message: string }[] };
      return entries.map((e) => e.message).reverse();
    },
    async close(): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
export type StubItop = Awaited<ReturnType<typeof stubItop>>;
