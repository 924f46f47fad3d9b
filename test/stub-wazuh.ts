import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { selfSigned } from './certificate';

/** What it does with a call instead of what it was asked. */
export type Trouble =
  { kind: 'http'; status: number } | { kind: 'page' } | { kind: 'long' } | { kind: 'silence' } | { kind: 'hang-up' };
interface Source extends Record<string, unknown> {
  timestamp: string;
  rule: { id: string };
}

const login = { user: 'wazuh-wui', password: 'a-password-of-the-manager' };
const indexerLogin = { user: 'reader', password: 'a-password-of-the-indexer' };
const basic = ({ user, password }: typeof login) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const at = (of: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((o, k) => (o as Record<string, unknown> | undefined)?.[k], of);

/** As much of the search language as is asked for here; anything else it refuses, as an indexer would. */
function matches(query: any, source: Source): boolean {
  if (query.term) return Object.entries(query.term).every(([field, v]) => at(source, field) === v);
  const { filter = [], should = [], ...rest } = query.bool;
  if (Object.keys(rest).some((k) => k !== 'minimum_should_match')) throw new Error('parsing_exception');
  return (
    filter.every((q: unknown) => matches(q, source)) &&
    (!should.length || should.some((q: unknown) => matches(q, source)))
  );
}

/** A Wazuh, its manager's API and its indexer, over HTTPS: it keeps its rules, alerts and tokens, and fails on demand. */
export async function stubWazuh() {
  const { key, cert } = selfSigned();
  const calls: string[] = [];
  let tokens = new Set<string>();
  let troubles: { path: RegExp; what: Trouble; left: number }[] = [];
  const alerts: { id: string; index: string; source: Source }[] = [];
  const rules = new Map([
    [5710, { id: 5710, level: 5, description: 'sshd: attempt to login using a non-existent user' }],
  ]);

  const say = (res: ServerResponse, status: number, body: unknown): void =>
    void res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  const found = (items: object[], more = {}) => ({
    data: {
      affected_items: items,
      total_affected_items: items.length,
      total_failed_items: 0,
      failed_items: [],
      ...more,
    },
    message: 'read',
    error: items.length ? 0 : 1,
  });

  const manager = (req: IncomingMessage, res: ServerResponse, url: URL): void => {
    if (url.pathname === '/security/user/authenticate') {
      if (req.method !== 'POST' || url.searchParams.get('raw') !== 'true') return say(res, 405, { title: 'no' });
      if (req.headers.authorization !== basic(login)) return say(res, 401, { title: 'Unauthorized' });
      const token = [part({ alg: 'ES512' }), part({ n: tokens.size }), randomBytes(24).toString('base64url')].join('.');
      tokens.add(token);
      return void res.writeHead(200, { 'content-type': 'text/plain' }).end(token);
    }
    if (!tokens.has(/^Bearer (.+)$/.exec(req.headers.authorization ?? '')?.[1] ?? ''))
      return say(res, 401, { title: 'Unauthorized', detail: 'Invalid token' });
    if (url.pathname === '/manager/status') {
      return say(res, 200, found([{ 'wazuh-analysisd': 'running', 'wazuh-maild': 'stopped' }]));
    }
    const rule = rules.get(Number(url.searchParams.get('rule_ids')));
    const missing = {
      failed_items: [{ error: { code: 1208, message: 'Rule does not exist' }, id: [url.searchParams.get('rule_ids')] }],
    };
    say(res, 200, rule ? found([rule]) : found([], missing));
  };
  const indexer = (req: IncomingMessage, res: ServerResponse, url: URL, body: any): void => {
    if (req.headers.authorization !== basic(indexerLogin)) return say(res, 401, {});
    const pattern = decodeURIComponent(url.pathname.slice(1, -'/_search'.length)).split('*').map((p) => p.replaceAll('.', '\\.')).join('.*'); // prettier-ignore
    const hits = alerts
      .filter((a) => new RegExp(`^${pattern}$`).test(a.index) && matches(body.query, a.source))
      .sort((a, b) => b.source.timestamp.localeCompare(a.source.timestamp));
    if (body.sort?.[0]?.timestamp?.order !== 'desc' || body.track_total_hits !== true) return say(res, 400, {});
    say(res, 200, {
      timed_out: false,
      hits: {
        total: { value: hits.length, relation: 'eq' },
        hits: hits.slice(0, body.size).map((h) => ({ _id: h.id, _index: h.index, _score: null, _source: h.source })),
      },
    });
  };

  const handle = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    let text = '';
    for await (const chunk of req) text += String(chunk);
    const url = new URL(req.url ?? '/', 'https://wazuh');
    calls.push(`${req.method} ${url.pathname}${url.search}`);
    const now = troubles.find((t) => t.left > 0 && t.path.test(url.pathname));
    if (now) {
      now.left -= 1;
      const { what } = now;
      if (what.kind === 'http') return say(res, what.status, { title: 'trouble' });
      if (what.kind === 'page') return void res.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Welcome</h1>');
      if (what.kind === 'long') return say(res, 200, { data: 'x'.repeat(6 * 1024 * 1024) });
      if (what.kind === 'hang-up') return void res.socket?.destroy();
      return;
    }
    if (url.pathname.endsWith('/_search')) return indexer(req, res, url, JSON.parse(text));
    manager(req, res, url);
  };
  const server = createServer({ key, cert }, (req, res) => {
    handle(req, res).catch((e: unknown) => say(res, 400, { error: String(e) }));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const base = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: base,
    cert,
    login,
    indexerLogin,
    calls,
    /** How often a token was asked for. */
    logins: () => calls.filter((c) => c.includes('/authenticate')).length,
    expireTokens: (): void => void (tokens = new Set()),
    alert: (id: string, source: Source, index = 'wazuh-alerts-4.x-2026.11.27'): void =>
      void alerts.push({ id, index, source }),
    fails: (path: RegExp, what: Trouble, times = Infinity): void => void troubles.push({ path, what, left: times }),
    heals: (): void => void (troubles = []),
    async close(): Promise<void> {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}
