import { randomBytes, randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { client } from '../../cli/story';
import { clientIdOf } from '../../domain/oauth';
import { cursorOf } from '../../api/contracts/agent-ops/door';
import { ensureUser, insertKey, provisionTenant } from '../../log/provision';
import { makeActors, type Actor } from './actors';
import { until } from '../until';
import type { Declared, Noun } from './declaration';

/** Where a server is, and its database as the owner sees it. */
export interface Place {
  url: string;
  owner: Client;
  databaseUrl: string;
}

/** A tenant with one of everything, and everybody who may call. */
export interface Tenant {
  tenantId: string;
  /** In every text of its ticket: whoever reads it elsewhere has seen what is not theirs. */
  mark: string;
  ids: Record<Noun, unknown>;
  actors: Actor[];
  /** Makes anew what an operation uses up. */
  refresh(what: Declared['fresh']): Promise<void>;
}

type Json = Record<string, unknown>;

const log = Array.from(
  { length: 120 },
  (_, i) => `Dec 10 06:55:${String(i % 60).padStart(2, '0')} LabSZ sshd[242]: Failed password for root from 183.62.140.253 port 5${i}22 ssh2`,
).join('\n'); // prettier-ignore

async function scalar<T>(owner: Client, sql: string, values: unknown[]): Promise<T> {
  const { rows } = await owner.query<{ v: T }>(sql, values);
  const [row] = rows;
  if (!row) throw new Error(`nothing found by: ${sql}`);
  return row.v;
}

export async function makeTenant({ url, owner, databaseUrl }: Place): Promise<Tenant> {
  const mark = `mark-${randomBytes(6).toString('hex')}`;
  const { tenantId, apiKey } = await provisionTenant(databaseUrl, {
    slug: `t-${randomBytes(5).toString('hex')}`, fourEyes: 'agent_only', operatorSignals: false, adminEmail: 'first@local.test',
    adminPassword: randomUUID(), masterKey: randomBytes(32), apiKey: null,
  }); // prettier-ignore
  const call = client({ url, token: apiKey });
  const work = async (title: string) => {
    const ticket = await call('POST', '/api/tickets', {
      title,
      description: `Failed passwords ${title}`,
      auto_assign: false,
    });
    const form = new FormData();
    form.append('file', new Blob([log]), 'ssh.log');
    const file = await call('POST', `/api/tickets/${String(ticket['id'])}/attachments`, form);
    const run = await call('POST', `/api/tickets/${String(ticket['id'])}/assign-agent`, {});
    return { ticket: ticket['id'], run: run['agent_id'], task: run['task_id'], attachment: file['id'] };
  };
  const waiting = (run: unknown) =>
    until(`agent ${String(run)} to wait for people`, async () => {
      const { status } = await call('GET', `/api/agents/${String(run)}`);
      if (['failed', 'finished', 'stopped'].includes(String(status)))
        throw new Error(`agent ${String(run)} is ${String(status)}`);
      return status === 'pending_approval' || null;
    });
  const own = await work(`${mark} SSH logins fail`);
  const other = await work('Printer is away');
  await Promise.all([own, other].map((w) => waiting(w.run)));
  const note = await call('POST', `/api/tickets/${String(own.ticket)}/notes`, {
    body: `${mark} closer`,
    author: 'dana',
    source: 'dashboard',
  });
  const event = await until('the agent to hear the note', async () => {
    const { events } = await call<{ events: Json[] }>('GET', `/api/agents/${String(own.run)}/steering`);
    return events[0]?.['status'] === 'pending' ? null : (events[0] ?? null);
  });
  await waiting(own.run);
  const requestChange = async () =>
    (await call('POST', '/api/changes/request', { ticket_id: own.ticket, action: 'restart', target: `${mark} web-1` }))[
      'change_id'
    ];
  const writePostmortem = async () =>
    (await call('POST', '/api/postmortems', { ticket_id: own.ticket, status: 'ready_for_review', summary: mark }))[
      'id'
    ];
  const registerAt = async (path: string, besides = {}, as = 'id') =>
    (await call<{ data: Json }>('POST', path, { name: `agent-${randomUUID()}`, ...besides })).data[as];
  const makeClient = () => registerAt('/v1/oauth/clients', {}, 'client_id');
  const register = () => registerAt('/api/v1/agent-ops/registry');
  const registerWork = () => registerAt('/v1/agents', { type: 'mover' });
  const steps = [{ name: 'One', agent_type: 'nobody', order: 1 }];
  const { data: defined } = await call<{ data: Json }>('POST', '/v1/workflows', { name: mark, steps });
  const { data: begun } = await call<{ data: Json }>('POST', `/v1/workflows/${String(defined['id'])}/execute`, {});
  const signal = await call<{ data: Json }>('POST', '/api/v1/agent-ops/signals', {
    for_agent: mark,
    created_by: 'fixture',
    signal: 'look',
  });
  const review = (id: unknown) => call('POST', `/api/postmortems/${String(id)}/review`, { approved: true });
  const postmortem = await writePostmortem();
  await review(postmortem);
  const promoted = await call('POST', `/api/postmortems/${String(postmortem)}/promote`, {});
  const door = '/api/v1/ops-agent';
  const transaction = randomUUID();
  await call('POST', `${door}/transactions`, [
    {
      transaction_id: transaction,
      occurred_at: '2021-01-01T10:00:00Z',
      customer_id: mark,
      terminal_id: mark,
      amount: 900,
    },
  ] as unknown);
  /** Of an investigation that has come to its end. */
  const recommend = async () => {
    const { investigation_id: id } = await call('POST', `${door}/investigations/run`, { transaction_id: transaction });
    return until('a recommendation', async () => {
      const it = await call<{ recommendations: Json[] }>('GET', `${door}/investigations/${String(id)}`);
      return it.recommendations[0] ?? null;
    });
  };
  await recommend();
  const recommended = await recommend();
  const { next_cursor: place } = await call('GET', `${door}/worklist/recommendations?limit=1`);
  const key = await call<{ data: Json }>('POST', '/api-keys', { name: 'fixture' });
  const execution = await scalar<string>(owner, `select entry_id as v from receipts where tenant_id = $1 limit 1`, [
    tenantId,
  ]);
  const { data } = await call<{ data: Json }>('GET', `/receipts/${execution}`);
  const makeSkill = async () =>
    (await call('POST', '/api/skills', { name: `${mark} ${randomUUID()}`, prompt_template: 'Say' }))['id'];
  const skill = await makeSkill();
  /** Of a workflow beside the promoted one, which stays a draft. */
  const startPipeline = async () => {
    const flow = await call('POST', '/api/workflows', {
      blueprint: 'Look.',
      status: 'tested',
      workflow_key: `${mark}:run`,
    });
    return (await call('POST', `/api/workflows/${String(flow['id'])}/runs`, { status: 'running' }))['id'];
  };
  const keepSecret = async () =>
    (
      await call('POST', '/api/vault/secrets', {
        system: mark,
        resource_type: 'api',
        resource_id: randomUUID(),
        value: 'a secret of the fixture',
      })
    )['id'];
  const reported = await call<{ data: Json }>('POST', '/api/v1/agent-ops/runs', { agent_name: mark, eve_id: mark });
  const alert = await scalar<string>(
    owner,
    `with rule as (
       insert into alert_rules (id, tenant_id, rule_type, threshold, enabled, created_by)
       values (gen_random_uuid(), $1, 'error_rate', 0.5, false, '{"id":null,"kind":"system","name":"system"}') returning id)
     -- Over already, so that no evaluation ends it while rows are compared.
     insert into alerts (id, tenant_id, rule_id, rule_type, agent_name, message, run_ids, ended_at)
     select gen_random_uuid(), $1, id, 'error_rate', $2, $2, '{}', now() from rule returning id as v`,
    [tenantId, mark],
  );
  // Everybody of the tenant sees these, a credential of another ticket too: so without the ticket's mark.
  const group = `group-${randomBytes(6).toString('hex')}`;
  const approvers = await call('POST', '/api/approver-groups', { name: group, members: ['first@local.test'] });
  const approval = await call('POST', '/api/approval-rules', { name: group, action: group, quorum: `1 of ${group}` });
  const raci = await call('POST', '/api/intake/raci/rules', { name: mark });
  /** One that nobody looks at: there is nothing at its address. */
  const addServer = async () =>
    (
      await call('POST', '/api/tools', {
        name: `s-${randomBytes(6).toString('hex')}`,
        url: 'https://tools.example.com/mcp',
        enabled: false,
      })
    )['id'];
  const part = await scalar<number>(owner, `select number as v from tools where tenant_id = $1 and name = 'built-in'`, [
    tenantId,
  ]);
  // As it stands when it was published and nothing of it is left to see: pages are for everybody.
  const site = `own-${randomBytes(6).toString('hex')}`;
  const deployment = await scalar<number>(
    owner,
    `with address as (
       insert into publications (slug, tenant_id, run_id, ticket_id, digest, file_count, total_bytes)
       select $2, tenant_id, id, ticket_id, '', 0, 0 from runs where number = $1 returning *)
     insert into deployments (id, tenant_id, slug, run_id, ticket_id, effect, digest, file_count, total_bytes, deployed_by)
     select gen_random_uuid(), tenant_id, slug, run_id, ticket_id, 'fixture', '', 0, 0,
       '{"id":null,"kind":"system","name":"system"}' from address returning number as v`,
    [own.run, site],
  );
  const { data: root } = await call<{ data: Json }>('POST', '/transparency/compute', {});
  const idOf = (number: unknown) => scalar<string>(owner, 'select id as v from runs where number = $1', [number]);
  const agentId = await scalar<string>(owner, `select id as v from agents where tenant_id = $1`, [tenantId]);
  const of = { tenantId, agentId, runId: await idOf(own.run), otherRunId: await idOf(other.run) };
  const addUser = () =>
    ensureUser(owner, tenantId, `${randomBytes(6).toString('hex')}@local.test`, randomUUID(), 'READ_ONLY');
  const ids: Record<Noun, unknown> = {
    ticket: own.ticket, run: own.run, task: own.task, event: event['id'], note: note['id'], attachment: own.attachment, site, deployment, change: await requestChange(), postmortem,
    approvers: approvers['id'], approval: approval['id'], raci: raci['id'],
    blueprint: promoted['workflow_id'], pipeline: await startPipeline(), article: promoted['knowledge_article_id'], skill, agent: agentId, key: key.data['id'],
    permission: await scalar<string>(owner, 'select id as v from agent_grants where agent_id = $1 order by tool limit 1', [agentId]),
    secret: apiKey, execution, receipt: data, tenant: tenantId, slug: `site-${randomBytes(6).toString('hex')}`, page: 'index.html',
    seq: await scalar<number>(owner, 'select max(seq) as v from log where tenant_id = $1', [tenantId]), offset: 1000,
    asset: 'swagger-ui.css', provider: 'local', profile: 'embedded', tool: part, server: await addServer(), external: 'thing', user: await addUser(), rule: 5710, day: root['root_date'], root: root['signed'], kept: await keepSecret(), registered: await register(), workAgent: await registerWork(), client: await makeClient(), workTask: `task_${String(own.task)}`, workflow: defined['id'], workExecution: begun['execution_id'], signal: signal.data['id'], reported: reported.data['id'], alert,
    cursor: cursorOf({ at: '2030-01-01T00:00:00.000000Z', id: nothing }),
    transaction, investigation: recommended['investigation_id'], recommendation: recommended['recommendation_id'], place,
  }; // prettier-ignore
  const secondId = await ensureUser(owner, tenantId, 'second@local.test', randomUUID(), 'ADMIN');
  const token = await insertKey(owner, { tenantId, name: 'second', role: 'ADMIN', userId: secondId });
  const second = client({ url, token });
  return {
    tenantId,
    mark,
    ids,
    actors: await makeActors(owner, of),
    async refresh(what) {
      if (what === 'user') ids.user = await addUser();
      if (what === 'server') ids.server = await addServer();
      if (what === 'change' || what === 'approved') ids.change = await requestChange();
      if (what === 'approved') await second('POST', `/api/changes/${String(ids.change)}/approve`, {});
      if (what === 'postmortem' || what === 'reviewed') ids.postmortem = await writePostmortem();
      if (what === 'registered') ids.registered = await register();
      if (what === 'workAgent') ids.workAgent = await registerWork();
      if (what === 'client') ids.client = await makeClient();
      if (what === 'pipeline') ids.pipeline = await startPipeline();
      if (what === 'kept') ids.kept = await keepSecret();
      if (what === 'skill') ids.skill = await makeSkill();
      if (what === 'reviewed') await review(ids.postmortem);
      if (what === 'recommendation') ids.recommendation = (await recommend())['recommendation_id'];
    },
  };
}

/** Of the same form as an id of that noun, and naming nothing. */
export function missing(noun: Noun, like: unknown): unknown {
  if (noun === 'receipt' || noun === 'root')
    return { ...(like as Json), receipt: { ...((like as Json)['receipt'] as Json), tenant_id: nothing } };
  if (noun === 'secret') return `acp_${'A'.repeat(43)}`;
  const word = { slug: 'no-such-site', page: 'nothing.html', asset: 'nothing', external: 'nothing' }[String(noun)];
  if (word !== undefined) return word;
  if (noun === 'provider' || noun === 'day') return like; // a word of a few, the same for everybody
  if (noun === 'client') return clientIdOf({ tenantId: nothing, id: nothing });
  if (/^\w+_\d+$/.test(String(like))) return String(like).replace(/\d+$/, '2147480000');
  return typeof like === 'string' ? nothing : 2_147_480_000;
}
const nothing = '01890000-0000-7000-8000-0000000000ff';
