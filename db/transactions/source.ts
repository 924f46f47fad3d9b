import type { TransactionSource } from '../../domain/transactions/transaction';
import { prepared } from '../prepared';
import type { Read } from '../read';
import { lookupsIn } from './lookups';

const payments = `(select t.*, d.disputed_at from transactions t left join disputes d using (tenant_id, transaction_id))`;
/** By the disputes' own indexes: those of a customer or terminal are few. */
const disputed = `(select d.transaction_id, t.occurred_at, d.customer_id, d.terminal_id, t.amount, d.disputed_at
  from disputes d join transactions t using (tenant_id, transaction_id))`;

/** Runs a read in a transaction of the tenant. */
export type Reading = <T>(work: (tx: Read) => Promise<T>) => Promise<T>;

/** The payments that this installation keeps itself, of the tenant that `read` reads for. */
export const storedTransactions = (read: Reading): TransactionSource =>
  lookupsIn({ payments, disputed }, async (schema, sql, params, withinMs) => {
    const { rows } = await read(async (tx) => {
      if (withinMs === undefined) return prepared(tx, sql, params);
      await tx.query(`select set_config('statement_timeout', $1, true)`, [String(withinMs)]);
      return tx.query(sql, params);
    });
    return rows.map((row) => schema.parse(row));
  });
