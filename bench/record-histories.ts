import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { historyToJSON } from '@temporalio/common/lib/proto-utils';
import { v7 } from 'uuid';
import { client, demoLog, playStory } from '../cli/story';
import { root, type Config } from '../config';
import type { Investigation } from '../domain/investigation';
import { workflowId, type Kind } from '../workflows/ids';
import { withStack, type Stack } from './stack';

const folder = join(root, 'test/replay/histories');

/** Plays every workflow's main branches on a real installation, and keeps their histories for the replay test. */
export async function recordHistories(config: Config): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) rmSync(join(folder, name));
  await withStack(config, record);
  process.stdout.write(`${readdirSync(folder).length} histories in test/replay/histories\n`);
}

async function record(stack: Stack): Promise<void> {
  const { local, temporal, owner } = stack;
  const tenantId = local.tenant_id;
  const call = client(local);
  const keep = async (name: string, id: string): Promise<void> => {
    const history = await temporal.workflow.getHandle(id).fetchHistory();
    writeFileSync(join(folder, `${name}.json`), `${historyToJSON(history)}\n`);
  };
  const idOf = async (kind: Kind, table: string, where: string): Promise<string> => {
    const { rows } = await owner.query<{ id: string }>(
      `select id from ${table} where ${where} order by created_at desc limit 1`,
    );
    if (!rows[0]) throw new Error(`nothing to record: ${table} where ${where}`);
    return workflowId(kind, tenantId, rows[0].id);
  };
  const gateOf = async (where: string): Promise<string> => {
    const { rows } = await owner.query<{ id: string }>(
      `select id from gates where ${where} order by number desc limit 1`,
    );
    return workflowId('approvalGate', tenantId, rows[0]?.id ?? 'none');
  };
  const ended = (id: string) => temporal.workflow.getHandle(id).result();

  const story = await playStory(local, { name: 'auth.log', text: demoLog() }, () => undefined);
  await keep('agentRun.published', await idOf('agentRun', 'runs', `number = ${story.agent}`));
  await keep('agentRun.rejected', await idOf('agentRun', 'runs', `number = ${story.secondAgent}`));
  await keep('approvalGate.completed', await gateOf(`status = 'completed' and action = 'publish_static_site'`));
  await keep('approvalGate.rejected', await gateOf(`status = 'rejected'`));
  const access = await idOf('accessRequest', 'access_requests', `status = 'revoked'`);
  await ended(access);
  await keep('accessRequest.revoked', access);
  for await (const w of temporal.workflow.list({ query: `WorkflowType = 'postmortemPromotion'` }))
    await keep('postmortemPromotion.promoted', w.workflowId);

  // Waiting: a run whose report and access people have not decided on; then stopped, which ends all three.
  const { id: ticket } = await call<{ id: number }>('POST', '/api/tickets', {
    title: 'Waiting for people',
    ticket_class: 'Incident',
  });
  const form = new FormData();
  form.set('file', new Blob([demoLog()]), 'auth.log');
  await call('POST', `/api/tickets/${ticket}/attachments`, form);
  const { agent_id: agent } = await call<{ agent_id: number }>('POST', `/api/tickets/${ticket}/assign-agent`, {
    prompt: 'check wazuh',
  });
  await when(
    async () =>
      (
        await owner.query(
          `select 1 from gates g join runs r on r.id = g.run_id where r.number = ${agent} and g.action = 'publish_static_site'`,
        )
      ).rowCount === 1,
  );
  await call('POST', `/api/tickets/${ticket}/notes`, {
    body: 'and user "admin"?',
    source: 'dashboard',
    author: 'dana',
  });
  await when(
    async () =>
      (
        await owner.query(
          `select 1 from steering_events where status = 'acknowledged' and ticket_id = (select id from tickets where number = ${ticket})`,
        )
      ).rowCount === 1,
  );
  const waiting = await idOf('agentRun', 'runs', `number = ${agent}`);
  const asked = await idOf('accessRequest', 'access_requests', `status = 'pending_approval'`);
  const gate = await gateOf(`status = 'pending' and action = 'publish_static_site'`);
  await keep('agentRun.suspended', waiting);
  await keep('accessRequest.suspended', asked);
  await keep('approvalGate.suspended', gate);
  await call('POST', `/api/agents/${agent}/stop`, { reason: 'recorded' });
  await Promise.all([waiting, asked, gate].map(ended));
  await keep('agentRun.stopped', waiting);
  await keep('accessRequest.expired', asked);
  await keep('approvalGate.withdrawn', gate);

  await keepInvestigation(stack, keep);
  await keepHeld(stack, keep);
}

async function keepInvestigation(
  { local, temporal, owner }: Stack,
  keep: (name: string, id: string) => Promise<void>,
): Promise<void> {
  const { rows } = await owner.query<{ ticket: string; agent: string }>(
    `select ticket_id as ticket, agent_id as agent from runs where tenant_id = $1 order by number limit 1`,
    [local.tenant_id],
  );
  const it: Investigation = {
    id: v7(), tenantId: local.tenant_id, ticketId: rows[0]?.ticket ?? '', agentId: rows[0]?.agent ?? '', mode: 'quick', status: 'PENDING',
    steps: 0, conclusion: null, error: null, startedBy: { id: null, kind: 'system', name: 'record' }, createdAt: new Date().toISOString(),
    finishedAt: null, version: 1,
  }; // prettier-ignore
  const id = workflowId('investigation', local.tenant_id, it.id);
  await temporal.workflow.execute('investigation', {
    workflowId: id,
    taskQueue: 'wheelhouse-lifecycle',
    args: [{ investigation: it, deadlineMs: 60_000 }],
  });
  await keep('investigation.concluded', id);
}

/** Workflows that never wait for people are caught while the database holds their next row. */
async function keepHeld(
  { local, temporal, owner }: Stack,
  keep: (name: string, id: string) => Promise<void>,
): Promise<void> {
  const call = client(local);
  const { rows } = await owner.query<{ number: number }>('select number from postmortems order by number desc limit 1');
  await owner.query('begin');
  await owner.query('lock table promotion_parts, investigations, tenants in access exclusive mode');
  const promote = call('POST', `/api/postmortems/${rows[0]?.number}/promote`, {}).catch((e: Error) => e);
  const id = workflowId('investigation', local.tenant_id, v7());
  await temporal.workflow.start('investigation', {
    workflowId: id,
    taskQueue: 'wheelhouse-lifecycle',
    args: [{ investigation: {}, deadlineMs: 60_000 }],
  });
  await temporal.workflow.start('sweep', { workflowId: 'sweep:held', taskQueue: 'wheelhouse-lifecycle', args: [] });
  const held = async (kind: string): Promise<string | null> => {
    for await (const w of temporal.workflow.list({ query: `WorkflowType = '${kind}' and ExecutionStatus = 'Running'` }))
      return w.workflowId;
    return null;
  };
  await when(async () => (await held('postmortemPromotion')) !== null && (await held('investigation')) !== null);
  await keep('postmortemPromotion.suspended', (await held('postmortemPromotion')) ?? '');
  await keep('investigation.suspended', id);
  await keep('sweep.suspended', 'sweep:held');
  await owner.query('rollback');
  await promote;
  await temporal.workflow.getHandle(id).terminate('recorded');
  await temporal.workflow.getHandle('sweep:held').result();
  await keep('sweep.swept', 'sweep:held');
}

async function when(holds: () => Promise<boolean>): Promise<void> {
  for (let waited = 0; !(await holds()); waited += 50) {
    if (waited > 60_000) throw new Error(`waited a minute for: ${holds.toString()}`);
    await delay(50);
  }
}
