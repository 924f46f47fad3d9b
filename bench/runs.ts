import { v7 } from 'uuid';
import { client } from '../cli/story';
import type { Config } from '../config';
import { insertExecution } from '../db/executions';
import { leaseMs } from '../domain/access';
import { system } from '../domain/principal';
import { queuesOf } from '../domain/queues';
import type { Run } from '../domain/run';
import { agentScopes } from '../domain/scopes';
import { createLogger } from '../log/logger';
import { openKernel } from '../log/open';
import { analystTools } from '../log/new-tenant';
import type { agentRun } from '../workflows/agent-run';
import { workflowId } from '../workflows/ids';
import { cpuSince, spent, usedCpu } from './cpu';
import { beside } from './program';
import { quickSteps } from './quick/harness';
import { median, type Row } from './row';
import { withStack, type Stack } from './stack';
import { waitingRuns } from './waiting-runs';

const atOnce = 20;
const rounds = 3;
const prefix = 'bench';
const queues = queuesOf(prefix);

interface Wave {
  stepsPerSecond: number;
  runsPerMinute: number;
  /** Processor time (ms) of each part, a step. */
  cpu: Map<string, number>;
  ids: string[];
}

/**
 * Steps per second of twenty runs at once, from the first start to the last result: each step a tool call through the
 * whole pipeline, with its log entry, ledger row and receipt. Beside it those three alone, written by as many at once.
 */
export const runs = (config: Config, seconds: number): Promise<Row[]> =>
  withStack(config, async (stack) => {
    const env = {
      DATABASE_URL: stack.local.database_url,
      TEMPORAL_ADDRESS: stack.local.temporal_address,
      WHEELHOUSE_MASTER_KEY: stack.masterKey,
      WHEELHOUSE_DATA_DIR: stack.dataDir,
      TASK_QUEUE_PREFIX: prefix,
      LOG_LEVEL: 'warn',
    };
    return beside({ script: 'bench/quick/worker.js', env }, async () => {
      // The limit on calls is an agent's: each run has one of its own, so that it is not what is measured.
      const agents: string[] = [];
      for (let n = 0; n < atOnce; n += 1) agents.push(await newAgent(stack));
      await wave(stack, agents);
      const waves: Wave[] = [];
      const floors: number[] = [];
      for (let round = 0; round < rounds; round += 1) {
        for (const until = performance.now() + (seconds * 1000) / rounds; performance.now() < until;)
          waves.push(await wave(stack, agents));
        floors.push(await floor(stack, config, agents[0] ?? '', seconds / rounds));
      }
      const tasks = await Promise.all(waves.flatMap((w) => w.ids).map((id) => workflowTasks(stack, id)));
      const steps = median(waves.map((w) => w.stepsPerSecond));
      const bare = median(floors);
      const perMinute = median(waves.map((w) => w.runsPerMinute));
      const bareRuns = (60 * bare) / quickSteps;
      const waiting = await waitingRuns(stack, 'quick worker', (of) =>
        begin(stack, { ...draft(stack.local.tenant_id, agents[0] ?? '', of.ticketId), prompt: of.prompt }),
      );
      const most = Math.max(...tasks);
      return [
        {
          what: `steps of embedded runs, ${atOnce} runs at once`,
          measured: `${steps.toFixed(0)}/s; CPU ${spent(waves, 'step', 0.1)}`,
          beside: `log entry, ledger row and receipt alone ${bare.toFixed(0)}/s: ${(steps / bare).toFixed(2)}`,
          reach: '≥ 150/s',
          reached: steps >= 150,
        },
        {
          what: `runs of ${quickSteps} steps, ${atOnce} at once`,
          measured: `${perMinute.toFixed(0)}/min`,
          beside: `as many log entries, ledger rows and receipts alone ${bareRuns.toFixed(0)}/min: ${(perMinute / bareRuns).toFixed(2)}`,
          reach: '',
          reached: null,
        },
        waiting,
        {
          what: `workflow tasks of a run of ${quickSteps} quick steps`,
          measured: `${median(tasks)}, at most ${most}`,
          beside: `${tasks.length} runs`,
          reach: '≤ 6',
          reached: most <= 6,
        },
      ];
    });
  });

async function newAgent({ owner, local }: Stack): Promise<string> {
  const id = v7();
  await owner.query(`insert into agents (id, tenant_id, name, harness) values ($1, $2, $3, 'quick')`, [
    id,
    local.tenant_id,
    `quick-${id}`,
  ]);
  await owner.query(
    `insert into agent_grants (id, tenant_id, agent_id, tool, effect)
     select gen_random_uuid(), $1, $2, tool, 'ALLOW' from unnest($3::text[]) as tool`,
    [local.tenant_id, id, analystTools],
  );
  return id;
}

/** One run of each agent, all at once, on tickets of their own. */
async function wave(stack: Stack, agents: readonly string[]): Promise<Wave> {
  const call = client(stack.local);
  const drafts: Run[] = [];
  for (const agentId of agents) {
    const { id } = await call<{ id: number }>('POST', '/api/tickets', { title: 'bench', auto_assign: false });
    const { rows } = await stack.owner.query<{ id: string }>('select id from tickets where number = $1', [id]);
    drafts.push(draft(stack.local.tenant_id, agentId, rows[0]?.id ?? ''));
  }
  const before = usedCpu();
  const from = performance.now();
  const ids = await Promise.all(drafts.map((run) => finish(stack, run)));
  const elapsed = (performance.now() - from) / 1000;
  const steps = drafts.length * quickSteps;
  const cpu = new Map([...cpuSince(before)].map(([part, ms]) => [part, ms / steps]));
  return { stepsPerSecond: steps / elapsed, runsPerMinute: (60 * drafts.length) / elapsed, cpu, ids };
}

const draft = (tenantId: string, agentId: string, ticketId: string): Run => ({
  id: v7(), tenantId, number: 0, taskNumber: 0, agentId, ticketId, taskType: 'ticket_resolution', harness: 'quick', model: null,
  profileId: null, runtime: null, prompt: null, scopes: [...agentScopes], triggerKind: null, definitionVersion: null, status: 'spawned', progress: 0, steps: 0, spawnedBy: system, result: null,
  error: null, createdAt: new Date().toISOString(), startedAt: null, finishedAt: null, version: 1,
}); // prettier-ignore

const begin = ({ temporal, local }: Stack, run: Run) =>
  temporal.workflow.start<typeof agentRun>('agentRun', {
    workflowId: workflowId('agentRun', local.tenant_id, run.id),
    taskQueue: queues.lifecycle,
    workflowTaskTimeout: '4 seconds',
    args: [{ run, gateTtlMs: 3_600_000, leaseMs, queues }],
  });

/** @throws Error when the run did not take all of its steps */
async function finish(stack: Stack, run: Run): Promise<string> {
  const handle = await begin(stack, run);
  const ended = await handle.result();
  if (ended.status !== 'finished' || ended.steps !== quickSteps)
    throw new Error(`a run ended ${ended.status} after ${ended.steps} steps: ${ended.error ?? ended.result}`);
  return handle.workflowId;
}

/** The server counts a task when a worker completes it, or fails to. */
async function workflowTasks({ temporal }: Stack, id: string): Promise<number> {
  const { events } = await temporal.workflow.getHandle(id).fetchHistory();
  return (events ?? []).filter((e) => e.workflowTaskStartedEventAttributes).length;
}

/** What a governed step must write, and nothing else: transactions per second of as many writers as there are runs. */
async function floor(stack: Stack, config: Config, agentId: string, seconds: number): Promise<number> {
  const masterKey = Buffer.from(stack.masterKey, 'base64');
  const kernel = await openKernel(
    { ...config, databaseUrl: stack.local.database_url, masterKey, dataDir: stack.dataDir },
    createLogger('warn', 'bench'),
  );
  try {
    let written = 0;
    const from = performance.now();
    const until = from + seconds * 1000;
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        const ownerId = v7();
        for (let step = 0; performance.now() < until; step += 1) {
          await kernel.store.write(stack.local.tenant_id, async (tx) => {
            const requestId = `${ownerId}:${step}`;
            const id = tx.log({
              kind: 'execution.allow', actor: system, subject: { kind: 'execution', id: requestId }, agentId, tool: 'bare',
              decision: 'allow', requestId, receipt: true, body: { step },
            }); // prettier-ignore
            await insertExecution(tx, { ownerId, agentId, ticketId: null }, {
              id, step, tool: 'bare', args: {}, argsDigest: '', why: null, decision: 'allow', risk: 0, findings: [], reasons: [], stages: [],
              result: null, resultDigest: null, error: null, startedAt: new Date().toISOString(), durationMs: 0,
            }); // prettier-ignore
          });
          written += 1;
        }
      }),
    );
    return written / ((performance.now() - from) / 1000);
  } finally {
    await kernel.pool.end();
  }
}
