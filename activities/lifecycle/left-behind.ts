import { v5 } from 'uuid';
import { postmortemEvidence } from '../../db/evidence';
import { blueprints, postmortems } from '../../db/learning';
import { livingOf, lockKey, writtenOrBeing } from '../../db/learning-queries';
import { tickets } from '../../db/tickets';
import type { Write } from '../../db/tx';
import type { LearningSettings } from '../../config-models';
import { byRules, pending } from '../../domain/learning';
import { blueprintEntry, postmortemEntry } from '../../domain/learning-record';
import type { Actor } from '../../domain/principal';
import type { Run } from '../../domain/run';
import { statedKey, workflowKey } from '../../domain/workflow-key';
import { inWords, keyInWords } from '../../pipeline/learning/promotion/text';
import { synthesise } from '../../pipeline/learning/synthesis';

/**
 * Some tasks are there to write something down. Where the agent of one ended and left nothing (it has no model, or it failed),
 * what the records tell is written down in its place, once, and with its end; people review it as they review any.
 */
export async function leaveBehind(
  tx: Write,
  run: Run,
  by: Actor,
  learning: Pick<LearningSettings, 'model'>,
): Promise<void> {
  if (run.status !== 'finished' && run.status !== 'failed') return;
  if (run.taskType === 'postmortem') await postmortem(tx, run, by, learning.model !== null);
  if (run.taskType === 'workflow_build') await blueprint(tx, run, by);
}

const reason = (run: Run): string => `agent ${run.number} ${run.status} and left none`;

/** Where a model is to write it, it is drafted, and given to that by a reader of the log. */
async function postmortem(tx: Write, run: Run, by: Actor, byModel: boolean): Promise<void> {
  const [standing] = await postmortems.list(tx, `where ticket_id = $1 and (run_id = $2 or ${writtenOrBeing}) limit 1`, [
    run.ticketId,
    run.id,
  ]);
  if (standing) return;
  const at = new Date().toISOString();
  const made = await postmortems.insert(tx, {
    ...synthesise(await postmortemEvidence(tx, run.ticketId), reason(run)), id: v5('postmortem', run.id), tenantId: run.tenantId, number: 0,
    ticketId: run.ticketId, runId: run.id, status: byModel ? 'draft' : 'ready_for_review',
    synthesis: byModel ? pending : byRules(), createdBy: by.name, reviewNotes: null, reviewedBy: null,
    reviewedAt: null, createdAt: at, updatedAt: at, version: 1,
  }); // prettier-ignore
  if (!made) return;
  const kind = byModel ? 'postmortem.drafted' : 'postmortem.synthesised';
  tx.log(postmortemEntry(by, kind, made, { label: null, reason: reason(run), by: 'rules' }));
}

/** A draft, where no workflow of that key lives: one that does is people's to change. */
async function blueprint(tx: Write, run: Run, by: Actor): Promise<void> {
  const ticket = await tickets.byId(tx, run.ticketId);
  if (!ticket) return;
  const { rows } = await tx.query('select 1 from log where run_id = $1 and subject_kind = $2 limit 1', [
    run.id,
    'blueprint',
  ]);
  if (rows.length) return;
  const told = synthesise(await postmortemEvidence(tx, ticket.id), reason(run));
  const key = workflowKey({
    explicit: statedKey(told.workflowProposal),
    ticketClass: ticket.ticketClass,
    texts: [ticket.title, ticket.description],
  });
  await lockKey(tx, key);
  const [standing] = await blueprints.list(tx, `where ${livingOf}`, [key]);
  if (standing) return;
  const at = new Date().toISOString();
  const list = (items: readonly unknown[]): string => items.map((i) => `- ${inWords(i)}`).join('\n');
  const made = await blueprints.insert(tx, {
    id: v5('blueprint', run.id), tenantId: run.tenantId, number: 0, name: `${keyInWords(key)} response workflow`, workflowKey: key, version: 1,
    status: 'draft', ticketClass: ticket.ticketClass, triggerType: 'ticket', description: `${ticket.title}\n\nFrom ticket ${ticket.number}.`,
    blueprint: [told.workflowProposal, list(told.guardrails)].filter(Boolean).join('\n\n'), testPlan: list(told.testCases), testResults: '',
    steps: [], skillIds: [], createdBy: by.name, reviewedBy: null, reviewedAt: null, reviewNotes: null, createdAt: at, updatedAt: at,
    approvalPolicy: { source: 'ticket', workflow_key: key, requires_human_review_before_activation: true, production_changes_require_approval: true },
  }); // prettier-ignore
  if (!made) return;
  const entry = blueprintEntry(by, 'created', made, { reason: reason(run) });
  tx.log({ ...entry, ticketId: run.ticketId, runId: run.id });
}
