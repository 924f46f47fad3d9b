import { z } from 'zod';
import { PostmortemSchema } from '../domain/learning.schema';
import type { Article, Blueprint, Skill } from '../domain/learning';
import { articles, blueprints, postmortems, skills } from './learning';
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

/** The one that lives under that key; what it replaced is history. */
export async function blueprintByKey(tx: Read, workflowKey: string): Promise<Blueprint | null> {
  const [found] = await blueprints.list(tx, `where workflow_key = $1 and status <> 'superseded'`, [workflowKey]);
  return found ?? null;
}

export async function listArticles(
  tx: Read,
  f: { text: string | null; category: string | null; enabledOnly: boolean },
  limit: number,
  offset: number,
): Promise<{ articles: Article[]; total: number }> {
  const sql = `where ($1::text is null or position(lower($1) in lower(title || ' ' || body)) > 0)
    and ($2::text is null or category = $2) and (enabled or not $3)`;
  const values = [f.text, f.category, f.enabledOnly];
  return {
    articles: await articles.list(tx, `${sql} order by number desc limit $4 offset $5`, [...values, limit, offset]),
    total: await totalOf(tx, `from articles ${sql}`, values),
  };
}

export async function listSkills(
  tx: Read,
  f: { category: string | null; enabledOnly: boolean; forAllOnly: boolean },
): Promise<Skill[]> {
  return skills.list(
    tx,
    'where ($1::text is null or category = $1) and (enabled or not $2) and (assigned_to_all or not $3) order by number',
    [f.category, f.enabledOnly, f.forAllOnly],
  );
}
