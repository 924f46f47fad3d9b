import { WithStartWorkflowOperation, WorkflowClient, WorkflowUpdateFailedError } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { v5, v7 } from 'uuid';
import { accessRequests } from '../../db/access';
import { gates } from '../../db/gates';
import { runs } from '../../db/runs';
import { steeringEvents, tickets } from '../../db/tickets';
import type { ErrorCode } from '../../domain/errors';
import type { Gate } from '../../domain/gate';
import type { Actor } from '../../domain/principal';
import type { Run } from '../../domain/run';
import { agentScopes } from '../../domain/scopes';
import type { Ticket } from '../../domain/ticket';
import { signAssertion } from '../../log/assertion';
import { agentRun, runState, spawned } from '../../workflows/agent-run';
import type { RunInput } from '../../workflows/run-input';
import { accessState } from '../../workflows/access-request';
import { complete, decide, gateState } from '../../workflows/approval-gate';
import { attemptId, workflowId, type Kind } from '../../workflows/ids';
import { steer } from '../../workflows/messages';
import { bundlePath } from '../stack';
import { settles, until } from '../until';
import type { Clockwork } from './time';

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
export const ann: Actor = { id: v7(), kind: 'user', name: 'ann' };
export const bob: Actor = { id: v7(), kind: 'user', name: 'bob' };

/** That an Update was refused, and with which code. */
export const refused = (code: ErrorCode, update: Promise<unknown>): Promise<void> =>
  update.then(
    () => expect('refused').toBe(code),
    (e: unknown) => {
      expect(e).toBeInstanceOf(WorkflowUpdateFailedError);
      expect((e as WorkflowUpdateFailedError).cause).toMatchObject({ type: code });
    },
  );

/** What people do to runs and gates, as the API does it for them. */
export function play(c: Clockwork) {
  // Waits in real time: only `inTime` lets the clock skip, else every deadline would pass while something is waited for.
  const workflow = new WorkflowClient({ connection: c.env.connection });
  const agentId = v5('agent:analyst', c.tenantId);
  const handle = (kind: Kind, id: string) => workflow.getHandle(workflowId(kind, c.tenantId, id));
  const row = {
    run: (id: string) => c.store.read(c.tenantId, (tx) => runs.byId(tx, id)),
    gate: (id: string) => c.store.read(c.tenantId, (tx) => gates.byId(tx, id)),
    access: (id: string) => c.store.read(c.tenantId, (tx) => accessRequests.byId(tx, id)),
  };

  const ticket = async (title = 'Logins fail'): Promise<Ticket> => {
    const at = new Date().toISOString();
    const made: Ticket = {
      id: v7(), tenantId: c.tenantId, number: 0, title, description: 'Since this morning', ticketClass: 'Incident', status: 'new',
      previousStatus: null, priority: '2', assignee: null, assigneeTeam: null, owningGroup: null, provider: 'local', providerRef: null,
      providerSyncStatus: 'local_only', externalUrl: null, parentTicketId: null, runId: null, requesterName: null, requesterEmail: null,
      affectedUserName: null, affectedUserEmail: null, securityClassification: 'internal', accessScope: {}, createdBy: ann,
      createdByLabel: null, createdAt: at, updatedAt: at,
    }; // prettier-ignore
    const stored = await c.store.write(c.tenantId, (tx) => tickets.insert(tx, made));
    if (!stored) throw new Error('the ticket stands already');
    return stored;
  };

  /** A run of `harness` on the ticket; gates that wait for people last a day, leases an hour. */
  const spawn = async (
    on: Ticket,
    harness: string,
    prompt: string | null = null,
    id = v7(),
    more: Pick<RunInput, 'turnsEach' | 'order'> = {},
    runtime: Run['runtime'] = null,
  ) => {
    const run: Run = {
      id, tenantId: c.tenantId, number: 0, taskNumber: 0, agentId, ticketId: on.id, taskType: 'ticket_resolution', harness, model: null,
      profileId: null, runtime, prompt, scopes: [...agentScopes], triggerKind: null, definitionVersion: null, status: 'spawned', progress: 0, steps: 0, spawnedBy: ann, result: null, error: null,
      createdAt: new Date(await c.env.currentTimeMs()).toISOString(), startedAt: null, finishedAt: null, version: 1,
    }; // prettier-ignore
    const { taskQueue } = c;
    const queues = { agents: taskQueue, integrations: taskQueue };
    const startWorkflowOperation = new WithStartWorkflowOperation(agentRun, {
      workflowId: workflowId('agentRun', c.tenantId, run.id),
      taskQueue,
      workflowIdConflictPolicy: 'USE_EXISTING',
      args: [{ run, gateTtlMs: DAY, leaseMs: HOUR, queues, ...more }],
    });
    await workflow.executeUpdateWithStart(spawned, { startWorkflowOperation, args: [] });
    return { id: run.id, handle: workflow.getHandle<typeof agentRun>(workflowId('agentRun', c.tenantId, run.id)) };
  };

  const gateOf = async (runId: string, action: string): Promise<Gate> => {
    let found: Gate | undefined;
    await until(`run ${runId} asks for ${action}`, async () => {
      [found] = await c.store.read(c.tenantId, (tx) =>
        gates.list(tx, 'where run_id = $1 and action = $2', [runId, action]),
      );
      return found !== undefined;
    });
    return found as Gate;
  };

  const proof = (gate: Gate, verdict: 'approve' | 'reject' | 'complete') =>
    signAssertion(c.keyring, { by: bob, tenantId: c.tenantId, gateId: gate.id, verdict, digest: gate.digest });

  return {
    row,
    handle,
    workflow,
    /** How it ends when nobody does anything any more. */
    inTime: (of: { workflowId: string }) => c.env.client.workflow.getHandle(of.workflowId).result() as Promise<unknown>,
    ticket,
    spawn,
    gateOf,
    agentId,
    async decide(gate: Gate, verdict: 'approve' | 'reject', reason: string | null = null) {
      const decision = {
        verdict,
        by: bob,
        label: null,
        reason,
        proof: proof(gate, verdict),
        correlationId: null,
      };
      return handle('approvalGate', gate.id).executeUpdate(decide, { args: [decision] });
    },
    async complete(gate: Gate, result: string) {
      const completion = { by: bob, result, proof: proof(gate, 'complete'), correlationId: null };
      return handle('approvalGate', gate.id).executeUpdate(complete, { args: [completion] });
    },
    /** A note that steers: the row first, then the Signal, here sent twice as a dispatcher may. */
    async say(run: { id: string }, on: Ticket, body: string) {
      const id = v7();
      const event = {
        id, tenantId: c.tenantId, number: 0, runId: run.id, ticketId: on.id, noteId: null, source: 'dashboard', author: 'dana', body,
        status: 'pending' as const, createdAt: new Date().toISOString(), deliveredAt: null, acknowledgedAt: null,
      }; // prettier-ignore
      await c.store.write(c.tenantId, (tx) => steeringEvents.insert(tx, event));
      await handle('agentRun', run.id).signal(steer, { id });
      await handle('agentRun', run.id).signal(steer, { id });
      return { id, row: () => c.store.read(c.tenantId, (tx) => steeringEvents.byId(tx, id)) };
    },
    runIs: (id: string, ...statuses: string[]) =>
      until(`run ${id} is ${statuses.join(' or ')}`, async () => statuses.includes((await row.run(id))?.status ?? '')),
    accessIs: (id: string, status: string) =>
      until(`access ${id} is ${status}`, async () => (await row.access(id))?.status === status),
    accessOf: async (gate: Gate) => (await row.access(gate.accessRequestId ?? ''))!,
    leases: async (runId: string) =>
      (await c.owner.query('select status, end_reason, secret_sealed from leases where run_id = $1', [runId])).rows,
    steps: async (runId: string) =>
      (await c.owner.query('select step, tool, decision from executions where owner_id = $1 order by step', [runId]))
        .rows,
    notes: async (on: Ticket) =>
      (await c.owner.query('select source, body from ticket_notes where ticket_id = $1 order by number', [on.id])).rows,
    entries: async (subjectId: string): Promise<string[]> =>
      (await c.owner.query('select kind from log where subject_id = $1 order by seq', [subjectId])).rows.map(
        (r) => r.kind as string,
      ),
    /** No branch that the tests of a file took may replay another way: whatever a crash cuts off has to be picked up again. */
    async replay() {
      const kinds = { agentRun: 'runs', approvalGate: 'gates', accessRequest: 'access_requests', investigation: 'investigations', postmortemPromotion: 'postmortems where synthesis is null', postmortemSynthesis: 'postmortems where synthesis is not null', pipelineRun: 'pipelines' }; // prettier-ignore
      const histories = [];
      for (const [kind, table] of Object.entries(kinds)) {
        const attempt = kind === 'investigation' ? 'attempt' : '1 as attempt';
        const { rows } = await c.owner.query<{ id: string; attempt: number }>(`select id, ${attempt} from ${table}`);
        for (const { id, attempt } of rows) {
          for (let nth = 1; nth <= attempt; nth += 1) {
            const taken = workflow.getHandle(workflowId(kind as Kind, c.tenantId, attemptId(id, nth)));
            histories.push({ workflowId: taken.workflowId, history: await taken.fetchHistory() });
          }
        }
      }
      const failed = [];
      for await (const { workflowId, error } of Worker.runReplayHistories(
        { workflowBundle: { codePath: bundlePath() } },
        histories,
      )) {
        if (error) failed.push([workflowId, error.message]);
      }
      expect(histories.length).toBeGreaterThan(0);
      expect(failed).toEqual([]);
    },
    /** What every test holds at its end: workflow and row say the same, once the workflow adopted what stands. */
    async agree(run: { id: string } | null, ...also: { gate?: string; access?: string }[]) {
      const same = <T>(state: () => Promise<T>, stands: () => Promise<T | null>): Promise<void> =>
        settles(async () => expect(await state()).toEqual(await stands()));
      if (run)
        await same(
          () => handle('agentRun', run.id).query(runState),
          () => row.run(run.id),
        );
      for (const { gate, access } of also) {
        if (gate)
          await same(
            () => handle('approvalGate', gate).query(gateState),
            () => row.gate(gate),
          );
        if (access)
          await same(
            () => handle('accessRequest', access).query(accessState),
            () => row.access(access),
          );
      }
    },
  };
}
