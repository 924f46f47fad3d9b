import type { Span, TransactionSource } from '../../domain/transactions/transaction';
import { SeenTransactionSchema, TransactionSchema, UsualSchema } from '../../domain/transactions/transaction.schema';
import { prepared } from '../prepared';
import { BackTestSchema, backTestOf } from './back-test';
import type { Read } from '../read';
import { disputedOf, find, newestOf, usualOf } from './statements';

const payments = `(select t.*, d.disputed_at from transactions t left join disputes d using (tenant_id, transaction_id))`;
/** By the disputes' own indexes: those of a customer or terminal are few. */
const disputes = `(select d.transaction_id, t.occurred_at, d.customer_id, d.terminal_id, t.amount, d.disputed_at
  from disputes d join transactions t using (tenant_id, transaction_id))`;

/** Runs a read in a transaction of the tenant. */
export type Reading = <T>(work: (tx: Read) => Promise<T>) => Promise<T>;

/** The payments that this installation keeps itself, of the tenant that `read` reads for. */
export function storedTransactions(read: Reading): TransactionSource {
  const seen = async (sql: string, of: unknown, { since, before }: Span, most: number) => {
    const { rows } = await read((tx) => prepared(tx, sql, [of, since, before, most]));
    return rows.map((row) => SeenTransactionSchema.parse(row));
  };
  return {
    async find(id) {
      const { rows } = await read((tx) => prepared(tx, find(payments), [id]));
      return rows[0] ? TransactionSchema.parse(rows[0]) : null;
    },
    ofCustomer: (id, span, most) => seen(newestOf(payments, 'customer_id'), id, span, most),
    ofTerminal: (id, span, most) => seen(newestOf(payments, 'terminal_id'), id, span, most),
    disputed: (of, span, most) =>
      'customers' in of
        ? seen(disputedOf(disputes, 'customer_id'), of.customers, span, most)
        : seen(disputedOf(disputes, 'terminal_id'), of.terminals, span, most),
    async usual(customers, { since, before }, most) {
      const { rows } = await read((tx) => prepared(tx, usualOf(payments), [customers, since, before, most]));
      return rows.map((row) => UsualSchema.parse(row));
    },
    async backTest(conditions, { since, before }, most) {
      const sql = backTestOf({ payments, disputed: disputes }, conditions);
      const { rows } = await read((tx) => tx.query(sql, [since, before, most, ...conditions.map((c) => c.value)]));
      return BackTestSchema.parse(rows[0]);
    },
  };
}
