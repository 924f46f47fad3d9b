import { z } from 'zod';
import { noteTypes } from '../../../domain/audit-note';
import { operation } from '../../operation';
import { Instant, name, prose } from '../shapes';

const tag = 'audit';
const params = z.object({ audit_id: name(200) });
const NoteView = z.object({
  id: z.uuid(),
  audit_id: z.uuid(),
  note_type: z.enum(noteTypes),
  body: z.string(),
  created_by: z.string().describe('Who held the credential'),
  created_at: Instant,
});

/** One entry: why it came to what it came to, and what people say about it. The path takes its id, or its request id. */
export const auditEntries = {
  explainAuditLog: operation({
    route: 'GET /audit/logs/:audit_id/explain',
    tag,
    summary: 'Why, in one sentence, from what is on record',
    access: 'audit:read',
    params,
    output: z.object({
      audit_id: z.uuid(),
      request_id: z.string().nullable(),
      agent_id: z.uuid().nullable(),
      action: z.string(),
      tool: z.string().nullable(),
      decision: z.string(),
      risk_score: z.number().min(0).max(1).nullable(),
      findings: z.array(z.string()),
      signals: z.array(z.object({ finding: z.string(), label: z.string(), triggered: z.boolean() })),
      explanation: z.string(),
      policy_context: z.object({ framework: z.string(), version: z.string().nullable() }),
      timestamp: Instant,
      timeline: z
        .array(z.object({ step: z.string(), timestamp: Instant, outcome: z.string(), duration_ms: z.number() }))
        .describe('Of a governed call five steps, else empty'),
    }),
    errors: ['NotFound'],
    aliases: ['/v1/audit/logs/:audit_id/explain'],
  }),
  listAuditNotes: operation({
    route: 'GET /audit/logs/:audit_id/notes',
    tag,
    summary: 'What people say about an entry, oldest first',
    access: 'audit:read',
    params,
    output: z.array(NoteView),
    errors: ['NotFound'],
    aliases: ['/v1/audit/logs/:audit_id/notes'],
  }),
  addAuditNote: operation({
    route: 'POST /audit/logs/:audit_id/notes',
    tag,
    summary: 'Say something about an entry; notes are never changed',
    access: 'audit:note',
    params,
    body: z.object({
      note_type: z.enum(noteTypes).default('analysis'),
      body: prose,
      created_by: z
        .string()
        .max(200)
        .optional()
        .describe('Not taken from here: the note is of whoever holds the credential'),
    }),
    output: NoteView,
    status: 201,
    errors: ['NotFound'],
    aliases: ['/v1/audit/logs/:audit_id/notes'],
  }),
};
