import type { Dispute, Transaction } from '../../domain/transactions/transaction';
import { TransactionSchema } from '../../domain/transactions/transaction.schema';
import type { Write } from '../tx';

/** What became of the rows of a call, by their transaction ids; those of `conflicts` with what stands. */
export interface Taken<T> {
  written: ReadonlySet<string>;
  /** Stood before this call, or was written by it. */
  standing: ReadonlyMap<string, T>;
}

const isoOf = (at: Date | string): string => new Date(at).toISOString();

/**
 * Writes the payments whose ids are not there yet. Ids must be unique among them. In the order of their ids, so that calls
 * with the same payments wait for each other and never in a circle; who waited finds the other's rows.
 */
export async function writeTransactions(tx: Write, given: readonly Transaction[]): Promise<Taken<Transaction>> {
  const rows = byId(given);
  const { rows: inserted } = await tx.query<{ id: string }>(
    `insert into transactions (tenant_id, transaction_id, occurred_at, customer_id, terminal_id, amount)
     select $1, g.* from unnest($2::uuid[], $3::timestamptz[], $4::text[], $5::text[], $6::numeric[]) g
     on conflict do nothing returning transaction_id as id`,
    [
      tx.tenantId,
      rows.map((r) => r.transactionId),
      rows.map((r) => r.occurredAt),
      rows.map((r) => r.customerId),
      rows.map((r) => r.terminalId),
      rows.map((r) => r.amount),
    ],
    'write transactions',
  );
  const written = new Set(inserted.map((r) => r.id));
  const standing = new Map(rows.filter((r) => written.has(r.transactionId)).map((r) => [r.transactionId, r]));
  for (const there of await transactionsById(
    tx,
    rows.filter((r) => !written.has(r.transactionId)).map((r) => r.transactionId),
  ))
    standing.set(there.transactionId, there);
  return { written, standing };
}

async function transactionsById(tx: Write, ids: readonly string[]): Promise<Transaction[]> {
  if (!ids.length) return [];
  const { rows } = await tx.query(
    `select transaction_id as "transactionId", occurred_at as "occurredAt", customer_id as "customerId",
       terminal_id as "terminalId", amount
     from transactions where transaction_id = any ($1::uuid[])`,
    [ids],
  );
  return rows.map((row) => TransactionSchema.parse(row));
}

/** When those of these payments that are here were made. */
export async function paymentTimes(tx: Write, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const { rows } = await tx.query<{ id: string; at: Date }>(
    `select transaction_id as id, occurred_at as at from transactions where transaction_id = any ($1::uuid[])`,
    [ids],
  );
  return new Map(rows.map(({ id, at }) => [id, isoOf(at)]));
}

/** The same for disputes, whose payments must be here. */
export async function writeDisputes(tx: Write, given: readonly Dispute[]): Promise<Taken<Dispute>> {
  const rows = byId(given);
  const ids = rows.map((r) => r.transactionId);
  const { rows: inserted } = await tx.query<{ id: string }>(
    `insert into disputes (tenant_id, transaction_id, disputed_at, customer_id, terminal_id)
     select t.tenant_id, t.transaction_id, g.at, t.customer_id, t.terminal_id
     from unnest($1::uuid[], $2::timestamptz[]) g (id, at) join transactions t on t.transaction_id = g.id
     order by g.id on conflict do nothing returning transaction_id as id`,
    [ids, rows.map((r) => r.disputedAt)],
    'write disputes',
  );
  const { rows: there } = await tx.query<{ id: string; at: Date }>(
    `select transaction_id as id, disputed_at as at from disputes where transaction_id = any ($1::uuid[])`,
    [ids],
  );
  return {
    written: new Set(inserted.map((r) => r.id)),
    standing: new Map(there.map(({ id, at }) => [id, { transactionId: id, disputedAt: isoOf(at) }])),
  };
}

const byId = <T extends { transactionId: string }>(rows: readonly T[]): T[] =>
  [...rows].sort((a, b) => (a.transactionId < b.transactionId ? -1 : 1));
