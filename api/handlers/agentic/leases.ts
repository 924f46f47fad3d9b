import type { RunView } from '../../../db/run-queries';
import { Forbidden } from '../../../domain/errors';
import type { LeaseScope } from '../../../domain/harness';

/** As people and the log name a scope. */
export const scopeText = ({ system, resourceType, resourceId, action }: LeaseScope): string =>
  `${system}/${resourceType}/${resourceId}/${action}`;

/** What an agent without the lease hears, and how it gets one. */
export const missingLease = (run: Pick<RunView, 'ticketNumber'>): Forbidden =>
  new Forbidden('access_denied', {
    allow: false,
    error: 'access_denied',
    reason: 'missing_agent_vault_lease',
    next_step: `POST /api/tickets/${run.ticketNumber}/access-request, and have its change approved and completed`,
  });
