import { Pool } from 'pg';
import type { z } from 'zod';
import { BadGateway } from '../../domain/errors';
import type { TransactionSource } from '../../domain/transactions/transaction';
import { lookupsIn, type Ask } from './lookups';

/** A view of a tenant's own Postgres, with the columns that docs/transactions.md names. */
export interface ViewSettings {
  url: string;
  /** `view` or `schema.view`. */
  view: string;
  /** Whose payments it shows: other tenants have the table. */
  tenantId: string;
  timeoutMs: number;
}

export interface ViewSource extends TransactionSource {
  close(): Promise<void>;
}

// What only the view's owner can mend: no such relation, column or schema; no right; types that cannot be compared; a write.
const wrongShape = /^(42|3F000|22P02|25006)/;

const quoted = (name: string): string =>
  name
    .split('.')
    .map((part) => `"${part.replaceAll('"', '""')}"`)
    .join('.');

/**
 * Reads that view and nothing else: each statement in a read-only transaction with a time-out, in a few connections of its
 * own. What the view has in the wrong shape is a BadGateway that names it; a database that is away is trouble, to be tried again.
 */
export function viewTransactions({ url, view, timeoutMs }: ViewSettings): ViewSource {
  const pool = new Pool({
    connectionString: url,
    max: 4,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs + 1_000,
    allowExitOnIdle: true,
    application_name: 'wheelhouse',
  });
  pool.on('error', () => undefined); // an idle one that breaks is replaced; whoever asks next hears of it
  pool.on('connect', (client) => client.on('error', () => undefined)); // and whoever asks one that breaks
  const relation = quoted(view);

  const ask: Ask = async (schema, sql, params, withinMs = timeoutMs) => {
    const client = await pool.connect();
    let broken: Error | undefined;
    try {
      await client.query(`begin transaction read only; set local statement_timeout = ${Math.min(withinMs, timeoutMs)}`);
      const { rows } = await client.query<Record<string, unknown>>(sql, params);
      return rows.map((row) => shaped(schema, row));
    } catch (e) {
      const { code = '', message } = e as Error & { code?: string };
      if (wrongShape.test(code)) throw new BadGateway(`the view ${view} cannot be read: ${message}`);
      throw e;
    } finally {
      await client.query('rollback').catch((e: Error) => (broken = e)); // nothing was written: this only ends it
      client.release(broken);
    }
  };
  const shaped = <S extends z.ZodType>(schema: S, row: unknown): z.output<S> => {
    const parsed = schema.safeParse(row);
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    throw new BadGateway(`the view ${view} has a row of the wrong shape: ${issue?.path.join('.')}: ${issue?.message}`);
  };

  return {
    ...lookupsIn({ payments: relation, disputed: relation }, ask),
    close: () => pool.end(),
  };
}
