import { leasesOfRun } from '../../../db/access-queries';
import { runs } from '../../../db/runs';
import { skillsOfRun } from '../../../db/skills';
import { steeringOfRun, type SteeringView } from '../../../db/steering-queries';
import { attachments, tickets } from '../../../db/tickets';
import type { Read } from '../../../db/tx';
import { NotFound } from '../../../domain/errors';
import type { Run } from '../../../domain/run';
import { updateOf, type Update } from '../../../domain/steering';
import type { Ticket } from '../../../domain/ticket';
import type { Told } from '../../../runner/brief';
import { mostUpdates } from '../../../runner/steering';
import type { Lease } from '../../../runner/workspace';

export interface Matter {
  run: Run;
  ticket: Ticket;
  told: Told;
  leases: Lease[];
  updates: Update[];
}

/** What people said, the newest of it, oldest first. */
export const saidTo = async (tx: Read, runId: string): Promise<SteeringView[]> =>
  (await steeringOfRun(tx, runId, mostUpdates, 0)).events.reverse();

/** What stands of an earlier command of the run; null when this is the first. */
async function beforeOf(tx: Read, runId: string): Promise<string | null> {
  const { rows } = await tx.query<{ step: string; status: string; output: string | null }>(
    'select step, status, output from run_checkpoints where run_id = $1 order by at desc, number desc limit 1',
    [runId],
  );
  const gates = await tx.query<{ number: number; action: string; target: string; status: string; reason: string | null }>(
    `select number, action, target, status, decision_reason as reason from gates where run_id = $1 order by number desc limit 10`,
    [runId],
  );
  const [last] = rows;
  if (!last) return null;
  return [
    `You are called again for the same task. You came as far as: ${last.step} (${last.status})${last.output === null ? '' : `: ${last.output}`}.`,
    ...gates.rows.map((g) => `Change ${g.number} (${g.action} ${g.target}) is ${g.status}${g.reason === null ? '' : `: ${g.reason}`}.`),
    'Go on from there: do not do again what is done.',
  ].join('\n');
} // prettier-ignore

/** All that a command's folder says of its task, from rows. @throws NotFound */
export async function matterOf(tx: Read, runId: string): Promise<Matter> {
  const run = await runs.byId(tx, runId);
  const ticket = run && (await tickets.byId(tx, run.ticketId));
  if (!run || !ticket) throw new NotFound(`no run ${runId}`);
  const { title, description, ticketClass } = ticket;
  const [files, skilled, lent, said, before] = await Promise.all([
    attachments.list(tx, 'where ticket_id = $1 order by number limit 100', [ticket.id]),
    skillsOfRun(tx, run, ticket),
    leasesOfRun(tx, runId),
    saidTo(tx, runId),
    beforeOf(tx, runId),
  ]);
  return {
    run,
    ticket,
    told: {
      agentId: run.number,
      taskId: run.taskNumber,
      ticketId: ticket.number,
      harness: run.harness,
      title,
      description,
      ticketClass,
      priority: ticket.priority,
      owningGroup: ticket.owningGroup,
      classification: ticket.securityClassification,
      attachments: files.map(({ number, filename, sizeBytes }) => ({ id: number, filename, sizeBytes })),
      skills: skilled.map(({ skill }) => ({ name: skill.name, description: skill.description })),
      prompt: run.prompt,
      before,
    },
    leases: lent
      .filter((l) => l.status === 'active')
      .map((l) => ({
        id: l.number,
        system: l.system,
        resource_type: l.resourceType,
        resource_id: l.resourceId,
        action: l.action,
        credential_ref: l.credentialRef,
        expires_at: l.expiresAt,
      })),
    updates: said.map(updateOf),
  };
}
