import type { Blueprint, Postmortem } from './learning';
import type { Actor } from './principal';

/** What an entry about a postmortem says. */
export const postmortemEntry = (by: Actor, kind: string, p: Postmortem, body: Record<string, unknown> = {}) => ({
  kind,
  actor: by,
  subject: { kind: 'postmortem' as const, id: p.id },
  ticketId: p.ticketId,
  runId: p.runId,
  version: p.version,
  body: { postmortem_id: p.number, status: p.status, ...body },
});

/** What an entry about a learned workflow says. */
export const blueprintEntry = (by: Actor, what: string, b: Blueprint, body: Record<string, unknown> = {}) => ({
  kind: `blueprint.${what}`,
  actor: by,
  subject: { kind: 'blueprint' as const, id: b.id },
  body: { workflow_id: b.number, workflow_key: b.workflowKey, version: b.version, status: b.status, ...body },
});
