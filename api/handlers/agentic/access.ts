import { v5 } from 'uuid';
import {
  accessById, accessOfTicket, askedBefore, leasesOfRun, type AccessScope, type AccessView,
} from '../../../db/access-queries'; // prettier-ignore
import { enabledRaciRules } from '../../../db/raci';
import type { RunView } from '../../../db/run-queries';
import { ticketById } from '../../../db/ticket-queries';
import type { Read } from '../../../db/tx';
import { gateOfAccess, inferLease, leaseMs, newAccess, wireRaci, wireScope } from '../../../domain/access';
import { Conflict, Invalid, Unavailable } from '../../../domain/errors';
import { newGate } from '../../../domain/gate';
import type { LeaseScope } from '../../../domain/harness';
import { accessOwner } from '../../../domain/raci';
import { isEnded } from '../../../domain/run';
import { canonical } from '../../../log/canonical';
import { matchesGlob } from '../../../pipeline/tools/vault';
import { accessRequest, openedAccess } from '../../../workflows/access-request';
import type { access } from '../../contracts/agentic/access';
import type { Ctx, HandlerOf, Handlers } from '../../kernel';
import { agentOf } from './agents-of';
import { leaseEntry, missingLease, scopeText } from './leases';
import { agentOnTicket, ownRun, seenTicket } from './seen';
import { activeProvider, syncSoon } from './sync';
import { accessView, leaseView, ticketView } from './ticket-views';

type Body = Parameters<HandlerOf<(typeof access)['requestAccess']>>[0]['body'];

/** What the credential is to be good for: as asked, else as the resource's name says. */
function leaseOf(body: Body): LeaseScope | null {
  const asked = body.lease_request;
  if (!asked) return inferLease(body.resource, body.permission, body.account_ref ?? null);
  const { system, action } = asked;
  return { system, resourceType: asked.resource_type, resourceId: asked.resource_id, action };
}

/** @throws Invalid for a time that is over by the database's clock, which is the one that ends leases */
async function refuseOver(tx: Read, until: string): Promise<void> {
  const { rows } = await tx.query<{ over: boolean }>('select $1::timestamptz <= clock_timestamp() as over', [until]);
  if (rows[0]?.over)
    throw new Invalid('lease_request.expires_at: is over already', { field: 'lease_request.expires_at' });
}

/**
 * The request of the run for exactly this that is open, or the id of the next one: whoever asks twice, and did not hear,
 * asked once. `stands`: it has its gate, and can be answered with.
 */
async function sameOf(ctx: Ctx, run: RunView, scope: AccessScope) {
  const { before, view } = await ctx.read(async (tx) => {
    const before = await askedBefore(tx, run.id, scope);
    return { before, view: before.open === null ? null : await accessById(tx, before.open) };
  });
  const id = before.open ?? v5(`access:${before.over}:${canonical(scope)}`, run.id);
  return { id, open: before.open !== null, stands: view !== null && view.gateNumber !== null };
}

/** The engine may have it, and nobody heard. `keyed`: without its key a repeat would ask for another. */
function mayStand(e: unknown, keyed: boolean): never {
  if (!(e instanceof Unavailable)) throw e;
  throw new Unavailable(
    keyed
      ? 'the access request may stand, and is opened when the workflow engine answers: repeat with the same Idempotency-Key only'
      : 'the access request may stand, and is opened when the workflow engine answers: a repeat finds it',
    { retry: true },
  );
}

async function answer(ctx: Ctx, id: string, inferred: boolean) {
  const found = await ctx.read(async (tx) => {
    const asked = await accessById(tx, id);
    return asked && { asked, child: await ticketById(tx, asked.accessTicketId) };
  });
  if (!found?.child) throw new Error(`no row for access request ${id}`);
  const { asked, child } = found;
  return {
    status: asked.status,
    access_request_id: asked.number,
    parent_ticket_id: asked.ticketNumber,
    access_ticket_id: asked.childNumber,
    change_id: gateNumberOf(asked),
    resource: asked.resource,
    permission: asked.permission,
    assignment_group: asked.assignmentGroup,
    lease_request: asked.lease && wireScope(asked.lease),
    lease_request_inferred: inferred && asked.lease !== null,
    access_raci: wireRaci(
      asked.raci ?? accessOwner([], { ...asked, group: asked.assignmentGroup, requester: asked.requester.name }).raci,
    ),
    access_ticket: ticketView(child),
  };
}

/** The answer is given once the gate stands, so its number does too. */
function gateNumberOf(asked: AccessView): number {
  if (asked.gateNumber === null) throw new Error(`no gate for access request ${asked.id}`);
  return asked.gateNumber;
}

export const accessHandlers: Handlers<typeof access> = {
  listAccessRequests: ({ params }, ctx) =>
    ctx.read(async (tx) => {
      const ticket = await seenTicket(ctx, tx, params.ticket_id);
      const list = await accessOfTicket(tx, ticket.id, 1000);
      return { access_requests: list.map((a) => accessView(ctx, a)), total: list.length };
    }),

  requestAccess: async ({ params, body }, ctx) => {
    const { ticket, run } = await ctx.read(async (tx) => {
      const found = await seenTicket(ctx, tx, params.ticket_id);
      return { ticket: found, run: await agentOnTicket(ctx, tx, found, body.agent_id) };
    });
    const inferred = body.lease_request === undefined;
    const ownId = ctx.newId(`access:${ticket.id}`);
    const made = ctx.repeatable ? await ctx.read((tx) => accessById(tx, ownId)) : null;
    if (made?.gateNumber) return answer(ctx, ownId, inferred);
    if (run && isEnded(run)) {
      throw new Conflict(`agent ${run.number} is ${run.status}: access for it would lead nowhere`, {
        status: run.status,
      });
    }
    const until = body.lease_request?.expires_at;
    if (until !== undefined) await ctx.read((tx) => refuseOver(tx, until));
    const { requestedBy, onBehalfOf } = agentOf(ctx, run);
    const { resource, permission, reason = null } = body;
    const scope = { resource, permission, accountRef: body.account_ref ?? null, lease: leaseOf(body) };
    const same = run && until === undefined ? await sameOf(ctx, run, scope) : null;
    if (same?.stands) return answer(ctx, same.id, inferred);
    // With a key it is this request's; without, that of all who ask the same of the run.
    const id = same && (same.open || !ctx.repeatable) ? same.id : ownId;
    const partOf = (part: string): string => (id === ownId ? ctx.newId(`${part}:${ticket.id}`) : v5(part, id));
    const { rules, syncProvider } = await ctx.read(async (tx) => ({
      rules: await enabledRaciRules(tx),
      syncProvider: body.sync_provider === false ? 'local' : await activeProvider(ctx, tx),
    }));
    const asked = newAccess(
      {
        id,
        tenantId: ctx.tenantId,
        ticketId: ticket.id,
        accessTicketId: partOf('access-ticket'),
        runId: run?.id ?? null,
        agentId: run?.agentId ?? null,
        gateId: partOf('access-gate'),
        ...scope,
        reason,
        ...accessOwner(rules, {
          resource,
          permission,
          reason,
          group: body.assignment_group ?? null,
          requester: requestedBy.name,
        }),
        syncProvider: syncProvider === 'local' ? null : syncProvider,
        riskLevel: body.risk_level,
        requester: requestedBy,
        label: body.requester ?? body.created_by ?? null,
        onBehalfOf,
      },
      new Date().toISOString(),
    );
    const { temporal, config } = ctx.kernel;
    const gate = newGate(gateOfAccess(asked, inferred && asked.lease !== null), asked.createdAt, config.gateTtlMs);
    await temporal
      .open(accessRequest, openedAccess, {
        ref: { kind: 'accessRequest', tenantId: ctx.tenantId, id },
        args: [
          { access: asked, gate, leaseMs, ...(until !== undefined && { until }), queue: temporal.queues.integrations },
        ],
        summary: `${asked.permission} on ${asked.resource}`,
        status: asked.status,
        ticketId: ticket.id,
        agentId: asked.agentId,
      })
      .catch((e: unknown) => mayStand(e, id === ownId));
    if (asked.syncProvider) await syncSoon(ctx, asked.accessTicketId);
    return answer(ctx, id, inferred);
  },

  listLeases: ({ params }, ctx) =>
    ctx.read(async (tx) => {
      const run = await ownRun(ctx, tx, params.agent_id);
      const leases = await leasesOfRun(tx, run.id);
      return { agent_id: run.number, leases: leases.map(leaseView), secret_values_returned: false as const };
    }),

  checkLease: async ({ params, body }, ctx) => {
    const scope = {
      system: body.system,
      resource_type: body.resource_type,
      resource_id: body.resource_id,
      action: body.action,
    };
    // The answer is written down in the transaction that finds it; a refusal is thrown after that has committed.
    const { run, lease } = await ctx.write(async (tx) => {
      const asking = await ownRun(ctx, tx, params.agent_id);
      const fits = (await leasesOfRun(tx, asking.id)).find(
        (l) =>
          l.status === 'active' && l.system === body.system && l.resourceType === body.resource_type &&
          (l.action === body.action || l.action === '*') && matchesGlob(l.resourceId, body.resource_id),
      ); // prettier-ignore
      const covering = isEnded(asking) ? null : (fits ?? null);
      const covers = covering ? `lease ${covering.number} covers` : 'no active lease covers';
      const wanted = scopeText({ ...body, resourceType: body.resource_type, resourceId: body.resource_id });
      const summary = `${ctx.actor.name} asks what agent ${asking.number} may use: ${covers} ${wanted}`;
      tx.log(leaseEntry(ctx, asking, covering, { kind: 'lease.checked', ...scope, summary }));
      return { run: asking, lease: covering };
    });
    if (!lease) throw missingLease(run);
    return {
      allow: true as const,
      lease_id: lease.number,
      agent_id: run.number,
      ...scope,
      credential_ref: lease.credentialRef,
      credential_value: null,
      broker_trace: {
        decision: 'allow' as const, reason: 'active_lease', audited: true as const, secret_values_returned: false as const,
      }, // prettier-ignore
    };
  },
};
