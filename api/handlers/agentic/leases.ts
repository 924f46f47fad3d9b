import type { RunView } from '../../../db/run-queries';
import { Forbidden } from '../../../domain/errors';
import type { LeaseScope } from '../../../domain/harness';
import type { NewEntry } from '../../../domain/log';
import type { Ctx } from '../../kernel';

/** As people and the log name a scope. */
export const scopeText = ({ system, resourceType, resourceId, action }: LeaseScope): string =>
  `${system}/${resourceType}/${resourceId}/${action}`;

/** What the log says of a question what an agent may use: by whom, which lease covers it, or that none does. */
export const leaseEntry = (
  ctx: Ctx,
  run: RunView,
  lease: { id: string } | null,
  { kind, ...body }: { kind: 'lease.used' | 'lease.checked'; summary: string } & Record<string, unknown>,
): NewEntry => ({
  kind,
  actor: ctx.actor,
  subject: lease ? { kind: 'lease', id: lease.id } : { kind: 'run', id: run.id },
  ticketId: run.ticketId,
  runId: run.id,
  agentId: run.agentId,
  decision: lease ? 'allow' : 'deny',
  reason: lease ? 'active_lease' : 'missing_agent_vault_lease',
  body: { agent_id: run.number, ...body, secret_values_returned: false },
});

/** What an agent without the lease hears, and how it gets one. */
export const missingLease = (run: Pick<RunView, 'ticketNumber'>): Forbidden =>
  new Forbidden('access_denied', {
    allow: false,
    error: 'access_denied',
    reason: 'missing_agent_vault_lease',
    next_step: `POST /api/tickets/${run.ticketNumber}/access-request, and have its change approved and completed`,
  });
