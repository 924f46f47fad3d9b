import { z } from 'zod';
import { PostmortemSchema } from '../domain/learning.schema';
import type { Blueprint } from '../domain/learning';
import { blueprints, postmortems } from './learning';
import type { Read } from './tx';

/** A postmortem with what the doors show of its ticket and its run. */
const Row = PostmortemSchema.extend({
  ticketNumber: z.int().nullable(),
  ticketTitle: z.string().nullable(),
  ticketClass: z.string().nullable(),
  runNumber: z.int().nullable(),
  taskNumber: z.int().nullable(),
  model: z.string().nullable(),
});
export type PostmortemView = z.output<typeof Row>;

const select = `select ${postmortems.columns('p')}, t.number as "ticketNumber", t.title as "ticketTitle",
    t.ticket_class as "ticketClass", r.number as "runNumber", r.task_number as "taskNumber", r.model
  from postmortems p left join tickets t on t.id = p.ticket_id left join runs r on r.id = p.run_id`;

/** Of a ticket that has one: it is written, or a model is at it. */
export const writtenOrBeing = `(status in ('ready_for_review', 'approved', 'promoted') or synthesis ->> 'state' = 'pending')`;

export interface PostmortemFilter {
  status: string | null;
  ticket: number | null;
  /** The only ticket that the asker may see. */
  only: string | null;
}
const where = `where ($1::text is null or p.status = $1)
  and ($2::int is null or p.ticket_id = (select id from tickets where number = $2))
  and ($3::uuid is null or p.ticket_id = $3)`;

const totalOf = async (tx: Read, sql: string, values: readonly unknown[]): Promise<number> =>
  (await tx.query<{ n: number }>(`select count(*) as n ${sql}`, values)).rows[0]?.n ?? 0;

export async function listPostmortems(
  tx: Read,
  f: PostmortemFilter,
  limit: number,
  offset: number,
): Promise<{ postmortems: PostmortemView[]; total: number }> {
  const values = [f.status, f.ticket, f.only];
  const { rows } = await tx.query(`${select} ${where} order by p.number desc limit $4 offset $5`, [
    ...values,
    limit,
    offset,
  ]);
  return {
    postmortems: rows.map((r) => Row.parse(r)),
    total: await totalOf(tx, `from postmortems p ${where}`, values),
  };
}

export async function postmortemByNumber(tx: Read, number: number): Promise<PostmortemView | null> {
  const { rows } = await tx.query(`${select} where p.number = $1`, [number]);
  return rows[0] ? Row.parse(rows[0]) : null;
}

export async function listBlueprints(
  tx: Read,
  f: { status: string | null; ticketClass: string | null },
  limit: number,
  offset: number,
): Promise<{ workflows: Blueprint[]; total: number }> {
  const sql = 'where ($1::text is null or status = $1) and ($2::text is null or lower(ticket_class) = lower($2))';
  const values = [f.status, f.ticketClass];
  return {
    workflows: await blueprints.list(tx, `${sql} order by number desc limit $3 offset $4`, [...values, limit, offset]),
    total: await totalOf(tx, `from blueprints ${sql}`, values),
  };
}

/** Who looks for what has a key or a name, and makes it where there is none, does so alone until the transaction ends. */
export const lockKey = (tx: Read, key: string) =>
  tx.query(`select pg_advisory_xact_lock(hashtextextended($1, 27))`, [`${tx.tenantId}/${key}`]);

/** Of those that live under a key ($1), the active one, else the newest; what they replaced is history. */
export const livingOf = `workflow_key = $1 and status <> 'superseded' order by (status = 'active') desc, number desc limit 1`;

/** The one that a similar lesson belongs to. */
export async function blueprintByKey(tx: Read, workflowKey: string): Promise<Blueprint | null> {
  const [found] = await blueprints.list(tx, `where ${livingOf}`, [workflowKey]);
  return found ?? null;
}
