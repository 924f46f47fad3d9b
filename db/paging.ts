/** Some neighbouring rows of a list, newest first: how many there are with keys in `low` to `high`. */
export interface Span {
  low: number;
  high: number;
  rows: number;
}

/** One walk along the index of the keys: from a bound on, past `skip` rows, for `limit` rows. */
export interface Walk {
  /** Down: newest first, from keys of at most `bound`. Up: from keys of at least `bound`; what is found is in reverse. */
  direction: 'down' | 'up';
  bound: number;
  skip: number;
  limit: number;
}

/**
 * The shortest way to the rows `offset` to `offset + limit` of a list in descending order of its keys, when `spans` (in that
 * order) say how many rows lie where: into the span that holds the page's first row from above, or into the one that
 * holds its last from below. Null when the page lies beyond the end.
 */
export function walkTo(spans: readonly Span[], offset: number, limit: number): Walk | null {
  const total = spans.reduce((n, s) => n + s.rows, 0);
  const end = Math.min(offset + limit, total);
  if (offset >= end) return null;
  let before = 0;
  let down: Walk | null = null;
  for (const { low, high, rows } of spans) {
    const after = before + rows;
    if (down === null && offset < after)
      down = { direction: 'down', bound: high, skip: offset - before, limit: end - offset };
    if (down !== null && end <= after) {
      const skip = after - end;
      return skip < down.skip ? { direction: 'up', bound: low, skip, limit: end - offset } : down;
    }
    before = after;
  }
  return down;
}

/** Numbers in a block of tickets or gates, and of the log: as migrations/000008_tallies.sql cuts them. */
export const numbersInBlock = 2 ** 15;
export const entriesInBlock = 2 ** 13;

export const blockSpan = (block: number, size: number, rows: number): Span => ({
  low: block * size,
  high: (block + 1) * size - 1,
  rows,
});

/** Further than this, rows are passed by their keys alone. */
const far = 200;

/** The rows of a list, under its alias. */
export interface Listed {
  /** With its alias: `tickets t`. */
  table: string;
  alias: string;
  /** A column, in whose descending order the list is. */
  key: string;
  where: string;
}

/**
 * What a statement says after `from` to get the rows that the walk leads to; its parameters are added to `params`. They are
 * chosen before anything is joined to them, and bounded by a number that the planner sees: of parameters it has to guess,
 * and it guesses a tenth of the table.
 */
export function walked({ table, alias, key, where }: Listed, walk: Walk, params: unknown[]): string {
  const { direction, bound, skip, limit } = walk;
  const [beyond, order] = direction === 'down' ? ['<=', 'desc'] : ['>=', 'asc'];
  const [b, l, s] = [bound, limit, skip].map((value) => `$${params.push(value)}`);
  const most = 2 ** Math.ceil(Math.log2(Math.max(16, limit)));
  const rows = (what: string): string =>
    `select ${what} from (select ${what} from ${table} where ${where} and ${alias}.${key} ${beyond} ${b}
       order by ${alias}.${key} ${order} limit ${most} offset ${s}) ${alias} limit ${l}`;
  if (skip <= far) return `(${rows(`${alias}.*`)}) ${alias}`;
  return `(select ${key} as place from (${rows(`${alias}.${key}`)}) ${alias}) found join ${table} on ${alias}.${key} = found.place`;
}

/**
 * Conditions of a query: those that are given, with their parameters, which may follow others of its statement; a text for
 * each combination, so that each has its plan.
 */
export function conditions(params: unknown[] = []): {
  params: unknown[];
  add(sql: (parameter: string) => string, value: unknown): void;
  /** One whose parameters are there already. */
  and(sql: string): void;
  text(): string;
} {
  const parts: string[] = [];
  return {
    params,
    add(sql, value) {
      if (value === null) return;
      params.push(value);
      parts.push(sql(`$${params.length}`));
    },
    and: (sql) => void parts.push(sql),
    text: () => (parts.length ? parts.join(' and ') : 'true'),
  };
}
