import type { Recommendation, Severity } from '../domain/findings';
import type { Actor } from '../domain/principal';
import { recommendations } from './insights';
import { conditions } from './paging';
import type { Read } from './tx';

/** The last of a page: the next one goes on behind it, whether it is still open or not. */
export interface Place {
  priority: number;
  id: string;
}

/**
 * Open recommendations, the most severe and surest first, of one priority the newest. What comes in meanwhile shifts nothing:
 * a page is where its cursor says.
 */
export async function openRecommendations(
  tx: Read,
  { severity, after, limit }: { severity: Severity | null; after: Place | null; limit: number },
): Promise<Recommendation[]> {
  const where = conditions();
  where.add((p) => `severity = ${p}`, severity);
  if (after !== null) {
    const id = where.params.push(after.priority, after.id);
    where.and(`(priority, id) < ($${id - 1}::int, $${id}::uuid)`);
  }
  // A number that the planner sees: of a parameter it guesses a tenth of the table, and would rather sort.
  const most = 2 ** Math.ceil(Math.log2(Math.max(16, limit)));
  const found = await recommendations.list(
    tx,
    `where status = 'OPEN' and ${where.text()} order by priority desc, id desc limit ${most}`,
    where.params,
  );
  return found.slice(0, limit);
}

/** Null when it is decided already, or is not there. */
export async function decideRecommendation(
  tx: Read,
  id: string,
  decision: { status: 'ACKNOWLEDGED' | 'REJECTED'; by: Actor; comment: string | null },
): Promise<Recommendation | null> {
  const { rows } = await tx.query(
    `update recommendations set status = $2, decided_by = $3, decided_at = now(), comment = $4
     where id = $1 and status = 'OPEN' returning ${recommendations.columns()}`,
    [id, decision.status, decision.by, decision.comment],
  );
  return rows[0] ? recommendations.parse(rows[0]) : null;
}
