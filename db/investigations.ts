import type { Investigation, InvestigationStatus } from '../domain/investigation';
import { InvestigationSchema } from '../domain/investigation.schema';
import { entity } from './entity';
import { conditions } from './paging';
import { prepared } from './prepared';
import type { Read } from './tx';

export const investigations = entity('investigations', InvestigationSchema, []);

/** Null matches everything. */
export interface InvestigationFilter {
  status: InvestigationStatus | null;
  transactionId: string | null;
}

/** A page of them, newest first, and how many match. */
export async function listInvestigations(
  tx: Read,
  { status, transactionId }: InvestigationFilter,
  limit: number,
  offset: number,
): Promise<{ items: Investigation[]; total: number }> {
  const where = conditions();
  where.add((p) => `status = ${p}`, status);
  where.add((p) => `transaction_id = ${p}`, transactionId);
  const { params } = where;
  const matching = `where ${where.text()}`;
  const [items, { rows }] = await Promise.all([
    investigations.list(
      tx,
      `${matching} order by created_at desc, id desc limit $${params.length + 1} offset $${params.length + 2}`,
      [...params, limit, offset],
    ),
    prepared<{ total: number }>(tx, `select count(*)::int as total from investigations ${matching}`, params),
  ]);
  return { items, total: rows[0]?.total ?? 0 };
}
