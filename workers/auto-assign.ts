import { WorkflowExecutionAlreadyStartedError, type WorkflowClient } from '@temporalio/client';
import { autoRules } from '../db/raci';
import { tickets } from '../db/tickets';
import { leaseMs } from '../domain/access';
import type { queuesOf } from '../domain/queues';
import type { Run } from '../domain/run';
import type { Ticket } from '../domain/ticket';
import type { Store } from '../log/store';
import { assign } from '../pipeline/assignment';
import { foundCommands, here, type Settings } from '../pipeline/chosen';
import type { agentRun } from '../workflows';
import { startOptions, type Start } from '../workflows/start';
import { oneByOne, type Reader } from './reader';

interface Assigner {
  temporal: WorkflowClient;
  store: Store;
  queues: ReturnType<typeof queuesOf>;
  gateTtlMs: number;
  settings: Settings;
  /** Tickets that one rule may have agents at work on at a time. */
  most: number;
}

const sendMs = 5_000;

/**
 * New tickets have an agent set to work where a rule says so: those that the discovery at a provider found, and those of an
 * API that ended before it came to that.
 */
export function autoAssigner(a: Assigner, signal: AbortSignal): Reader {
  const each = oneByOne(signal, async (tenantId, { subjectId }) => {
    const commands = await foundCommands(a.store.pool);
    const found = await a.store.write(tenantId, async (tx) => {
      const ticket = await tickets.byId(tx, subjectId);
      return ticket && { ticket, ...(await assign(tx, ticket, { ...a, here: await here(a.settings, commands, tx) })) };
    });
    if (found?.status === 'assigned' && !found.stands) await start(a, found.ticket, found.run);
  });
  return {
    name: 'auto assignment',
    kinds: ['ticket.created'],
    // Until then it is its API's to do.
    graceSeconds: 5,
    often: {
      pollMs: 1_000,
      longestWaitMs: 30_000,
      trouble: 'agents could not be set to work on new tickets; they are kept and tried again',
    },
    async take(tx, entries) {
      const wanted = entries.filter((e) => e.body['auto_assign'] === true);
      return wanted.length && (await autoRules(tx)).length ? each(tx, wanted) : null;
    },
  };
}

async function start({ temporal, queues, gateTtlMs }: Assigner, ticket: Ticket, run: Run): Promise<void> {
  const { agents, integrations, processes } = queues;
  const opening: Start<Parameters<typeof agentRun>> = {
    ref: { kind: 'agentRun', tenantId: run.tenantId, id: run.id },
    args: [{ run, gateTtlMs, leaseMs, queues: { agents, integrations, processes } }],
    summary: `Agent on ticket ${ticket.number}: ${ticket.title}`,
    status: run.status,
    ticketId: ticket.id,
    agentId: run.agentId,
  };
  try {
    await temporal.withDeadline(Date.now() + sendMs, () =>
      temporal.start<typeof agentRun>(opening.ref.kind, startOptions(opening, queues.lifecycle)),
    );
  } catch (e) {
    if (!(e instanceof WorkflowExecutionAlreadyStartedError)) throw e;
  }
}
