import { setTimeout as pause } from 'node:timers/promises';

/** The main job, as calls over HTTP: the demo shows it, the end-to-end test plays it. */
export interface StoryServer {
  url: string;
  token: string;
}
export interface Step {
  title: string;
  detail: string;
  link: string | null;
}
export interface Outcome {
  ticket: number;
  agent: number;
  slug: string;
  page: string;
  postmortem: number;
  secondAgent: number;
  /** Archived receipts of every call of the first agent. */
  receipts: unknown[];
  publicKey: unknown;
  secondReport: string;
}

type Json = Record<string, unknown>;

/** @throws Error naming the call and what came back */
export type Call = <T = Json>(method: string, path: string, body?: unknown) => Promise<T>;

/** `send`: how a request gets there, where it is not at once and to one address. */
export function client(
  { url, token }: StoryServer,
  send: (url: string, init: RequestInit) => Promise<Response> = fetch,
): Call {
  return async function call<T = Json>(method: string, path: string, body?: unknown): Promise<T> {
    const form = body instanceof FormData;
    const res = await send(url + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && !form && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: form ? body : JSON.stringify(body) }),
    });
    const text = await res.text();
    if (!res.ok) throw new Error(`${method} ${path} answered ${res.status}: ${text.slice(0, 500)}`);
    return (res.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text) as T;
  };
}

async function when<T>(what: string, look: () => Promise<T | null>, patienceMs = 60_000): Promise<T> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const seen = await look();
    if (seen !== null) return seen;
    if (Date.now() > deadline) throw new Error(`waited ${patienceMs / 1000} s for ${what}`);
    await pause(100);
  }
}

interface Change {
  id: number;
  action: string;
  status: string;
  target: string;
}

export async function playStory(
  server: StoryServer,
  log: { name: string; text: string },
  tell: (step: Step) => void,
  /** Of who sets agents to work, and of who decides what they ask for. */
  { call, decide }: { call: Call; decide: Call } = { call: client(server), decide: client(server) },
): Promise<Outcome> {
  const link = (path: string): string => server.url + path;
  const changesOf = async (agent: number) =>
    (await call<{ changes: Change[] }>('GET', `/api/changes?agent_id=${agent}`)).changes;
  const pending = (agent: number, action: string) =>
    when(
      `agent ${agent} to ask for ${action}`,
      async () => (await changesOf(agent)).find((c) => c.action === action && c.status === 'pending') ?? null,
    );
  const ended = (agent: number) =>
    when(`agent ${agent} to end`, async () => {
      const a = await call<{ status: string; current_task: { output: string | null } }>('GET', `/api/agents/${agent}`);
      return ['finished', 'failed', 'stopped', 'terminated'].includes(a.status) ? a : null;
    });
  const openWithLog = async (title: string): Promise<number> => {
    const { id } = await call<{ id: number }>('POST', '/api/tickets', {
      title, description: 'Many failed logins on the bastion host since this morning.', ticket_class: 'Incident', priority: '2', auto_assign: false,
    }); // prettier-ignore
    const form = new FormData();
    form.set('file', new Blob([log.text], { type: 'text/plain' }), log.name);
    await call('POST', `/api/tickets/${id}/attachments`, form);
    return id;
  };

  const ticket = await openWithLog('Failed logins on the bastion');
  tell({
    title: 'A ticket with its log',
    detail: `ticket ${ticket}, ${log.name}`,
    link: link(`/api/tickets/${ticket}`),
  });

  const { agent_id: agent } = await call<{ agent_id: number }>('POST', `/api/tickets/${ticket}/assign-agent`, {
    prompt: 'Who is attacking, and did anybody get in? Have a look at the siem as well.',
  });
  tell({ title: 'An analyst starts', detail: `agent ${agent}`, link: link(`/api/agents/${agent}`) });

  await call('POST', `/api/tickets/${ticket}/notes`, {
    body: 'Please check what happened to the user "admin".',
    author: 'dana',
    source: 'dashboard',
  });
  tell({
    title: 'Somebody says something meanwhile',
    detail: 'the note steers the agent',
    link: link(`/api/agents/${agent}/steering`),
  });

  const access = await pending(agent, 'grant_access');
  await decide('POST', `/api/changes/${access.id}/approve`, { approved_by: 'dana', reason: 'read access is fine' });
  await decide('POST', `/api/changes/${access.id}/complete`, {
    completed_by: 'dana',
    result: 'read role granted for this incident',
  });
  tell({
    title: 'It asked for access, people granted it',
    detail: `change ${access.id}: ${access.target}`,
    link: link(`/api/tickets/${ticket}/access-requests`),
  });

  const publish = await pending(agent, 'publish_static_site');
  await decide('POST', `/api/changes/${publish.id}/approve`, { approved_by: 'dana', reason: 'the report is sound' });
  tell({
    title: 'It proposed to publish its report, people approved',
    detail: `change ${publish.id}`,
    link: link(`/api/changes/${publish.id}`),
  });

  const end = await ended(agent);
  if (end.status !== 'finished') throw new Error(`agent ${agent} ${end.status}: ${JSON.stringify(end)}`);
  const slug = publish.target;
  const page = await call<string>('GET', `/published/${slug}/`);
  tell({
    title: 'The report is published',
    detail: String(end.current_task.output),
    link: link(`/published/${slug}/`),
  });

  const { postmortem_id: postmortem } = await call<{ postmortem_id: number }>(
    'POST',
    `/api/postmortems/synthesize/${ticket}`,
    {},
  );
  await call('POST', `/api/postmortems/${postmortem}/review`, { reviewed_by: 'dana', approved: true });
  const promoted = await call('POST', `/api/postmortems/${postmortem}/promote`, {});
  tell({
    title: 'What was learned is kept',
    detail: `knowledge ${String(promoted['knowledge_article_id'])}, blueprint ${String(promoted['workflow_key'])}`,
    link: link(`/api/postmortems/${postmortem}`),
  });

  const second = await openWithLog('Failed logins on the bastion, again');
  const { agent_id: secondAgent } = await call<{ agent_id: number }>('POST', `/api/tickets/${second}/assign-agent`, {});
  const again = await pending(secondAgent, 'publish_static_site');
  await decide('POST', `/api/changes/${again.id}/reject`, { rejected_by: 'dana', reason: 'one report is enough' });
  const secondEnd = await ended(secondAgent);
  const { content: secondReport } = await call<{ content: string }>(
    'GET',
    `/api/agents/${secondAgent}/logs?lines=2000`,
  );
  tell({
    title: 'A second, similar ticket; its change is rejected',
    detail: String(secondEnd.current_task.output),
    link: link(`/api/agents/${secondAgent}/logs`),
  });

  const verified = await call<{ data: { valid: boolean; rows_checked: number } }>('GET', '/audit/logs/verify');
  if (!verified.data.valid) throw new Error('the log does not verify');
  const entries = await call<{ data: { items: { id: string; action: string }[] } }>(
    'GET',
    '/audit/logs?action=execute_tool&limit=1000',
  );
  const receipts = await Promise.all(entries.data.items.map((e) => call('GET', `/receipts/${e.id}`)));
  tell({
    title: 'The log holds',
    detail: `${verified.data.rows_checked} entries verified, ${receipts.length} signed receipts`,
    link: link('/audit/logs/verify'),
  });

  const publicKey = await call('GET', '/receipts/key');
  return { ticket, agent, slug, page, postmortem, secondAgent, receipts, publicKey, secondReport };
}

/** A day's log of an SSH server: ordinary work, and two addresses that guess passwords. Written here, by nobody else. */
export function demoLog(): string {
  const lines: string[] = [];
  const at = (second: number): string => {
    const pad = (n: number): string => String(n).padStart(2, '0');
    return `Mar 14 ${pad(6 + Math.floor(second / 3600))}:${pad(Math.floor(second / 60) % 60)}:${pad(second % 60)}`;
  };
  const say = (second: number, pid: number, text: string): void =>
    void lines.push(`${at(second)} bastion sshd[${pid}]: ${text}`);
  for (let i = 0; i < 60; i += 1) {
    say(i * 50, 1000 + i, `Accepted publickey for deploy from 192.0.2.${10 + (i % 5)} port ${40000 + i} ssh2`);
  }
  const guess = (from: string, names: string[], count: number, start: number, every: number): void => {
    for (let i = 0; i < count; i += 1) {
      const user = names[i % names.length] ?? 'root';
      const who = user === 'root' ? 'root' : `invalid user ${user}`;
      say(start + i * every, 3000 + i, `Failed password for ${who} from ${from} port ${50000 + i} ssh2`);
    }
  };
  guess('203.0.113.77', ['root', 'admin', 'oracle'], 240, 3100, 2);
  guess('198.51.100.23', ['root'], 45, 3300, 7);
  lines.sort();
  return `${lines.join('\n')}\n`;
}
