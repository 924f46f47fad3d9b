import { addAuditNote, notesOfEntry } from '../../../db/audit-notes';
import { executionsOf } from '../../../db/executions';
import { gates } from '../../../db/gates';
import { entryOf } from '../../../db/log-queries';
import type { Read } from '../../../db/tx';
import type { AuditNote } from '../../../domain/audit-note';
import { NotFound } from '../../../domain/errors';
import { explained, timelineOf, type Recorded } from '../../../domain/explanation';
import type { Entry } from '../../../domain/log';
import { actionOf } from '../../../log/chain';
import { reveal } from '../../../log/personal';
import { FINDINGS } from '../../../pipeline/screening/signals';
import type { auditEntries } from '../../contracts/aegis/audit-entries';
import type { Handlers } from '../../kernel';

/** @throws NotFound */
async function entry(tx: Read, id: string): Promise<Entry> {
  const found = await entryOf(tx, id);
  if (!found) throw new NotFound(`no audit entry ${id}`);
  return found;
}

const noteView = (n: AuditNote) => ({
  id: n.id,
  audit_id: n.entryId,
  note_type: n.noteType,
  body: n.body,
  created_by: n.author.name,
  created_at: n.createdAt,
});

const texts = (list: unknown): string[] => (Array.isArray(list) ? list.filter((v) => typeof v === 'string') : []);
const reasonsOf = (list: unknown): Recorded['reasons'] =>
  (Array.isArray(list) ? (list as unknown[]) : []).flatMap((r) => {
    const { code, message } = (r ?? {}) as { code?: unknown; message?: unknown };
    return typeof code === 'string' ? [{ code, message: typeof message === 'string' ? message : code }] : [];
  });

/** The approval that a call brought, as its gate stands. */
async function approvalOf(tx: Read, gateId: unknown): Promise<Recorded['approval']> {
  if (typeof gateId !== 'string') return null;
  const [gate] = await gates.list(tx, 'where id = $1', [gateId]);
  return gate ? { status: gate.status, by: gate.decidedBy?.name ?? null, at: gate.decidedAt } : null;
}

/** What is known first, and then what else was found in this call. */
const signalsOf = (findings: readonly string[]) =>
  [...new Set<string>([...FINDINGS, ...findings])].map((finding) => ({
    finding,
    label: finding.replaceAll('_', ' '),
    triggered: findings.includes(finding),
  }));

export const auditEntryHandlers: Handlers<typeof auditEntries> = {
  explainAuditLog: ({ params }, ctx) =>
    ctx.read(async (tx) => {
      const e = await reveal(tx, ctx.kernel.keyring, await entry(tx, params.audit_id));
      const [[execution], approval] = await Promise.all([executionsOf(tx, [e.id]), approvalOf(tx, e.body['gate_id'])]);
      const findings = texts(e.body['findings']);
      const { risk_score: risk, policy_version: version } = e.body;
      const recorded: Recorded = {
        action: actionOf(e.kind),
        actor: e.actor.name,
        tool: e.tool,
        decision: e.decision,
        reason: e.reason,
        risk: typeof risk === 'number' ? Math.min(1, Math.max(0, risk)) : null,
        findings,
        reasons: reasonsOf(e.body['reasons']),
        stages: execution?.stages ?? [],
        approval,
      };
      return {
        audit_id: e.id,
        request_id: e.requestId,
        agent_id: e.agentId,
        action: recorded.action,
        tool: e.tool,
        decision: e.decision,
        risk_score: recorded.risk,
        findings,
        signals: signalsOf(findings),
        explanation: explained(recorded),
        policy_context: {
          framework: 'rego',
          version: typeof version === 'string' || typeof version === 'number' ? String(version) : null,
        },
        timestamp: e.at,
        timeline: execution ? timelineOf(execution.startedAt, execution.stages) : [],
      };
    }),
  listAuditNotes: async ({ params }, ctx) =>
    (await ctx.read(async (tx) => notesOfEntry(tx, (await entry(tx, params.audit_id)).id))).map(noteView),
  addAuditNote: ({ params, body }, ctx) =>
    ctx.write(async (tx) => {
      const of = await entry(tx, params.audit_id);
      const { note, isNew } = await addAuditNote(tx, {
        id: ctx.newId(),
        entryId: of.id,
        noteType: body.note_type,
        body: body.body,
        author: ctx.actor,
      });
      if (isNew) {
        tx.log({
          kind: 'audit.note_added',
          actor: ctx.actor,
          subject: { kind: 'audit_entry', id: of.id },
          agentId: of.agentId,
          body: { audit_id: of.id, note_id: note.id, note_type: note.noteType },
        });
      }
      return noteView(note);
    }),
};
