import type { z } from 'zod';
import { prepared } from './prepared';
import type { Read } from './read';

const snake = (name: string): string => name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);

type Row = Record<string, unknown>;

/**
 * The columns of one table, read off the schema of its noun: one place for the list. Rows are parsed on the way out.
 * `given` are columns that the database fills, `jsonArrays` those that hold arrays as jsonb. Queries stay SQL: `select ${tickets.columns('t')} from tickets t where …`.
 */
export function entity<S extends z.ZodObject>(
  table: string,
  schema: S,
  given: readonly (keyof S['shape'])[],
  jsonArrays: readonly (keyof S['shape'])[] = [],
) {
  type Entity = z.output<S>;
  const names = Object.keys(schema.shape);
  const written = names.filter((n) => !given.includes(n));
  // pg writes an array as a Postgres array; in a jsonb column it has to be JSON text.
  const value = (entity: Row, name: string): unknown =>
    jsonArrays.includes(name) ? JSON.stringify(entity[name]) : entity[name];

  const columns = (alias = table): string => names.map((n) => `${alias}.${snake(n)} as "${n}"`).join(', ');
  const parse = (row: unknown): Entity => schema.parse(row);
  const returning = columns();
  const insertSql =
    `insert into ${table} (${written.map(snake).join(', ')}) values (${written.map((_, i) => `$${i + 1}`).join(', ')}) ` +
    `on conflict do nothing returning ${returning}`;
  const changed = written.filter((n) => n !== 'id' && n !== 'tenantId' && n !== 'createdAt');
  const moveSql =
    `update ${table} set ${changed.map((n, i) => `${snake(n)} = $${i + 2}`).join(', ')} ` +
    `where id = $1 and version = $${changed.indexOf('version') + 2}::int - 1 returning ${returning}`;

  return {
    columns,
    parse,
    /** As the database reads it with jsonb_populate_record. */
    json: (entity: Entity): string =>
      JSON.stringify(Object.fromEntries(names.map((n) => [snake(n), entity[n as keyof Entity]]))),
    /** Null when a row with this id (or another unique value of it) stands already. */
    async insert(tx: Read, entity: Entity): Promise<Entity | null> {
      const { rows } = await tx.query(
        insertSql,
        written.map((n) => value(entity as Row, n)),
        `insert ${table}`,
      );
      return rows[0] ? parse(rows[0]) : null;
    },
    /** One version on, or null when the row does not stand exactly one version before. For tables with a version. */
    async move(tx: Read, entity: Entity): Promise<Entity | null> {
      const e = entity as Row;
      const { rows } = await tx.query(moveSql, [e['id'], ...changed.map((n) => value(e, n))], `move ${table}`);
      return rows[0] ? parse(rows[0]) : null;
    },
    async byId(tx: Read, id: string): Promise<Entity | null> {
      const { rows } = await prepared(tx, `select ${returning} from ${table} where id = $1`, [id]);
      return rows[0] ? parse(rows[0]) : null;
    },
    /** By the integer that the doors use. */
    async byNumber(tx: Read, number: number): Promise<Entity | null> {
      const { rows } = await prepared(tx, `select ${returning} from ${table} where number = $1`, [number]);
      return rows[0] ? parse(rows[0]) : null;
    },
    /** `tail` is SQL from `where` on, over the table's own name; planned once a connection. */
    async list(tx: Read, tail: string, params: readonly unknown[]): Promise<Entity[]> {
      const { rows } = await prepared(tx, `select ${returning} from ${table} ${tail}`, [...params]);
      return rows.map(parse);
    },
  };
}
