import { v7 } from 'uuid';
import { insertExecution, type ExecutionRow } from '../../../db/executions';
import { gates } from '../../../db/gates';
import { writeNote } from '../../../db/notes';
import { newGate, type Gate } from '../../../domain/gate';
import { system } from '../../../domain/principal';
import type { Run } from '../../../domain/run';
import type { Ticket } from '../../../domain/ticket';
import type { House } from '../../house';
import { reportOf } from '../tools/report';

export const at = '2025-11-22T10:00:00.000Z';
const errors = {
  signals: [
    { id: 'auth.failed_password', title: 'failed password', failing: true, events: 520 },
    { id: 'auth.invalid_user', title: 'login name that does not exist', failing: true, events: 113 },
    { id: 'auth.accepted', title: 'successful login', failing: false, events: 2 },
  ],
  templates: [{ text: 'Failed password for root from <ip> port <num> ssh2', events: 370 }],
};

const step = (house: House, of: Run, n: number, tool: string, fields: Partial<ExecutionRow> = {}) =>
  house.store.write(of.tenantId, (tx) =>
    insertExecution(tx, { ownerId: of.id, agentId: of.agentId, ticketId: of.ticketId }, {
      id: v7(), step: n, tool, args: {}, argsDigest: '', why: `why ${n}`, decision: 'allow', risk: 0, findings: [], reasons: [], stages: [],
      result: {}, resultDigest: '', error: null, startedAt: at, durationMs: 10, ...fields,
    }),
  ); // prettier-ignore

const gate = (house: House, of: Run, fields: Partial<Gate>) =>
  house.store.write(of.tenantId, (tx) =>
    gates.insert(tx, {
      ...newGate(
        {
          id: v7(), tenantId: of.tenantId, ticketId: of.ticketId, runId: of.id, agentId: of.agentId, accessRequestId: null, action: 'publish_static_site',
          target: 'who', reason: 'people should see it', command: null, riskLevel: 'medium', approvalPolicy: {}, digest: null, requestedBy: system, onBehalfOf: null,
        },
        at,
        60_000,
      ),
      ...fields,
    }),
  ); // prettier-ignore

/** A ticket on which an agent worked for 42 seconds: what it called, what was refused, what people decided and said. */
export async function incident(house: House): Promise<{ ticket: Ticket; run: Run }> {
  const ticket = await house.ticket({
    title: 'SSH logins fail on labsz',
    description: 'Many failed passwords from outside.',
  });
  const run = await house.run(ticket, {
    status: 'finished',
    result: 'published',
    createdAt: at,
    finishedAt: '2025-11-22T10:00:42.000Z',
  });
  await house.attach(ticket, 'auth.log', 'a line');
  await step(house, run, 0, 'logs.profile');
  await step(house, run, 1, 'logs.errors', { result: errors, durationMs: 2_300 });
  await step(house, run, 2, 'tickets.related', {
    decision: 'deny',
    result: null,
    reasons: [{ code: 'tool_denied', message: 'a DENY grant covers this tool' }],
  });
  await step(house, run, 3, 'site.publish', {
    decision: 'escalate',
    result: null,
    args: { slug: 'who', report: reportOf() },
  });
  await step(house, run, 4, 'site.publish', {
    args: { slug: 'who', report: reportOf() },
    result: { url: '/published/who/' },
  });
  const dana = { id: v7(), kind: 'user' as const, name: 'dana' };
  await gate(house, run, {
    status: 'completed',
    decidedBy: dana,
    decidedAt: '2025-11-22T10:00:30.000Z',
    result: 'published at /published/who/',
    version: 3,
  });
  await gate(house, run, {
    action: 'grant_access',
    status: 'rejected',
    decidedBy: dana,
    decidedAt: '2025-11-22T11:00:00.000Z',
    decisionReason: 'not needed',
    version: 2,
  });
  await house.store.write(house.tenantId, async (tx) => {
    for (let i = 0; i < 15; i += 1) {
      await writeNote(tx, {
        ticketId: ticket.id,
        key: `n${i}`,
        source: 'dashboard',
        author: 'dana',
        actor: dana,
        body: `Note ${i} ${'x'.repeat(400)}`,
      });
    }
    tx.log({
      kind: 'ticket.updated',
      actor: dana,
      subject: { kind: 'ticket', id: ticket.id },
      ticketId: ticket.id,
      body: { long: 'y'.repeat(500) },
    });
  });
  return { ticket, run };
}
