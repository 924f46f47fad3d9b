import type { Read, Write } from '../../../db/tx';
import type { PartRow } from '../../../db/promotions';
import type { Postmortem } from '../../../domain/learning';
import type { NewEntry, SubjectKind } from '../../../domain/log';
import type { Actor } from '../../../domain/principal';
import type { PartOutcome } from '../../../domain/promotion';
import type { Ticket } from '../../../domain/ticket';

export interface PromotionRequest {
  tenantId: string;
  postmortemId: string;
  by: Actor;
  createKnowledge: boolean;
  createWorkflow: boolean;
  createSkills: boolean;
  workflowStatus: 'draft';
  markPromoted: boolean;
}

/** What a part of a promotion is made from. The postmortem's row is locked, so its parts are made one at a time. */
export interface Lesson {
  request: PromotionRequest;
  postmortem: Postmortem;
  ticket: Ticket | null;
  workflowKey: string;
  /** What has been made before. */
  parts: PartRow[];
}

/** A part that was made, and what it takes to take it back. */
export interface Made {
  outcome: PartOutcome;
  undo: unknown;
}

export interface Part {
  make(tx: Write, lesson: Lesson): Promise<Made>;
  unmake(tx: Write, lesson: Lesson, undo: unknown): Promise<void>;
}

/** Where the lesson comes from: the heading of what it adds to shared texts. */
export const origin = ({ postmortem, ticket }: Lesson): string =>
  `postmortem ${postmortem.number}${ticket ? `, ticket ${ticket.number} “${ticket.title}”` : ''}`;

export const entry = (
  lesson: Lesson,
  kind: string,
  subject: { kind: SubjectKind; id: string },
  body: Record<string, unknown>,
): NewEntry => ({
  kind,
  actor: lesson.request.by,
  subject,
  ticketId: lesson.postmortem.ticketId,
  runId: lesson.postmortem.runId,
  body: { ...body, postmortem_id: lesson.postmortem.number },
});

/**
 * The row that everybody with the same lesson shares: locked and changed when it stands, made when it does not. Between
 * look and insert another promotion may make it; then it stands.
 */
export async function sharedRow<T, R>(
  find: () => Promise<T | null>,
  change: (standing: T) => Promise<R>,
  create: () => Promise<R | null>,
): Promise<R> {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const standing = await find();
    if (standing) return change(standing);
    const created = await create();
    if (created) return created;
  }
  throw new Error('a row that is neither there nor can be made');
}

/** Locks a row by its id. */
export const lock = (tx: Read, table: 'articles' | 'blueprints' | 'skills' | 'postmortems', id: string) =>
  tx.query(`select 1 from ${table} where id = $1 for update`, [id]);
