import { WorkflowExecutionAlreadyStartedError, type WorkflowClient } from '@temporalio/client';
import { v5 } from 'uuid';
import { blueprints } from '../db/learning';
import { runs } from '../db/runs';
import { tickets } from '../db/tickets';
import type { Write } from '../db/tx';
import { leaseMs, preapprovedAccess } from '../domain/access';
import type { LeaseScope } from '../domain/harness';
import type { Blueprint } from '../domain/learning';
import { PreapprovedLeases } from '../domain/preapproved.schema';
import { system, type Actor } from '../domain/principal';
import type { queuesOf } from '../domain/queues';
import { isEnded, type Run } from '../domain/run';
import type { Ticket } from '../domain/ticket';
import { namedFamily, workflowKey } from '../domain/workflow-key';
import { preapprovedStart, startOptions } from '../workflows/start';
import { lateAfter, type Reader } from './reader';

const sendMs = 5_000;

/** The key that a ticket's words come to, before anybody has looked into it. */
function keyOf({ title, description, ticketClass }: Ticket): string {
  const family = namedFamily(title);
  const explicit = family ? `${ticketClass}:${family}` : null;
  return workflowKey({ explicit, ticketClass, texts: [title, description] });
}

/** The reviewed workflow in use under the ticket's key, when it preapproves anything. */
async function workflowFor(tx: Write, ticket: Ticket): Promise<Blueprint | null> {
  const where = `where workflow_key = $1 and status = 'active' and reviewed_by is not null limit 1`;
  const [found] = await blueprints.list(tx, where, [keyOf(ticket)]);
  return found?.approvalPolicy['preapproved_leases'] === undefined ? null : found;
}

/** Those of the policy; what it says in another form is written down, and lent to nobody. */
function leasesOf(tx: Write, { number, approvalPolicy }: Blueprint, run: Run): LeaseScope[] {
  const read = PreapprovedLeases.safeParse(approvalPolicy['preapproved_leases']);
  if (read.success)
    return read.data.map((l) => ({
      system: l.system, resourceType: l.resource_type, resourceId: l.resource_id, action: l.action,
    })); // prettier-ignore
  const [issue] = read.error.issues;
  tx.log({
    kind: 'access.preapproval_invalid',
    actor: system,
    subject: { kind: 'run', id: run.id },
    ticketId: run.ticketId,
    runId: run.id,
    agentId: run.agentId,
    decision: 'deny',
    reason: `preapproved_leases.${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`,
    body: { workflow_id: number, agent_id: run.number },
  });
  return [];
}

/**
 * An agent that begins on a ticket whose reviewed workflow preapproves leases gets them, each by a process of its own that
 * takes it back. A run that is over by then gets none. Whoever passes it on twice starts nothing a second time.
 */
export const preapprovals = (temporal: WorkflowClient, queues: ReturnType<typeof queuesOf>): Reader => ({
  name: 'preapproved leases',
  kinds: ['run.spawned'],
  often: {
    pollMs: 500,
    longestWaitMs: 30_000,
    trouble: 'leases that a workflow preapproves could not be asked for; they are kept and tried again',
  },
  async take(tx, entries) {
    const late = lateAfter();
    for (const { seq, subjectId } of entries) {
      const run = await runs.byId(tx, subjectId);
      const ticket = run && !isEnded(run) ? await tickets.byId(tx, run.ticketId) : null;
      const flow = ticket && (await workflowFor(tx, ticket));
      for (const lease of run && flow ? leasesOf(tx, flow, run) : [])
        await lend(temporal, queues, run as Run, flow as Blueprint, lease);
      if (late()) return seq;
    }
    return null;
  },
});

async function lend(
  temporal: WorkflowClient,
  queues: ReturnType<typeof queuesOf>,
  run: Run,
  flow: Blueprint,
  lease: LeaseScope,
): Promise<void> {
  const key = [run.id, lease.system, lease.resourceType, lease.resourceId, lease.action].join('\n');
  const requester: Actor = { id: run.agentId, kind: 'agent', name: `agent-${run.number}` };
  const { tenantId, ticketId, agentId } = run;
  const preapproved = { number: flow.number, workflowKey: flow.workflowKey, version: flow.version, reviewedBy: flow.reviewedBy ?? '' }; // prettier-ignore
  const access = preapprovedAccess(
    { id: v5(`preapproved\n${key}`, tenantId), gateId: v5(`no gate\n${key}`, tenantId), tenantId, ticketId, runId: run.id, agentId, requester },
    lease,
    preapproved,
    new Date().toISOString(),
  ); // prettier-ignore
  const start = preapprovedStart({ access, preapproved, leaseMs, queue: queues.integrations });
  try {
    await temporal.withDeadline(Date.now() + sendMs, () =>
      temporal.start(start.ref.kind, { ...startOptions<unknown[]>(start, queues.lifecycle) }),
    );
  } catch (e) {
    if (!(e instanceof WorkflowExecutionAlreadyStartedError)) throw e;
  }
}
