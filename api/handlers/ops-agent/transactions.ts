import { paymentTimes, writeDisputes, writeTransactions, type Taken } from '../../../db/transactions/ingest';
import type { Write } from '../../../db/tx';
import type { Dispute, Transaction } from '../../../domain/transactions/transaction';
import { canonical, sha256 } from '../../../log/canonical';
import type { transactions } from '../../contracts/ops-agent/transactions';
import type { Ctx, Handlers } from '../../kernel';

type Kind = 'transactions' | 'disputes';
interface Rejection {
  line: number;
  transaction_id: string | null;
  field: string | null;
  reason: 'invalid' | 'conflict' | 'unknown_transaction';
  message: string;
}

const wireName = (field: string): string => field.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);

/** What a row differs in from the one that stands under its id. */
function difference<T extends object>(given: T, standing: T): { field: string; message: string } | null {
  for (const key of Object.keys(given) as (keyof T & string)[]) {
    if (given[key] === standing[key]) continue;
    const field = wireName(key);
    return { field, message: `this id stands with ${field} ${String(standing[key])}, and is not overwritten` };
  }
  return null;
}

/** Why a row is not to be written, whatever stands under its id; null where it may be. */
type Refusal<T> = (row: T) => Pick<Rejection, 'field' | 'reason' | 'message'> | null;

/** A dispute is of a payment that is here, and not from before it. */
async function unfounded(tx: Write, disputes: readonly Dispute[]): Promise<Refusal<Dispute>> {
  const paid = await paymentTimes(
    tx,
    disputes.map((d) => d.transactionId),
  );
  return ({ transactionId, disputedAt }) => {
    const at = paid.get(transactionId);
    if (at === undefined) {
      const message = 'no such transaction: send it before its dispute';
      return { field: 'transaction_id', reason: 'unknown_transaction', message };
    }
    const message = `must not be before its payment, which was made at ${at}`;
    return Date.parse(disputedAt) < Date.parse(at) ? { field: 'disputed_at', reason: 'invalid', message } : null;
  };
}

/** Writes what is new of a call, and its one log entry; says what became of each row. */
async function ingest<T extends Transaction | Dispute>(
  ctx: Ctx,
  kind: Kind,
  given: readonly T[],
  write: (tx: Write, rows: readonly T[]) => Promise<Taken<T>>,
  refusals: (tx: Write, rows: readonly T[]) => Promise<Refusal<T>> = () => Promise.resolve(() => null),
) {
  const { received } = ctx;
  if (!received) throw new Error(`${kind} were not read as rows`);
  return ctx.write(async (tx) => {
    const refusal = await refusals(tx, given);
    const refused = given.map(refusal);
    const first = new Map<string, T>();
    given.forEach((row, i) => {
      if (!refused[i] && !first.has(row.transactionId)) first.set(row.transactionId, row);
    });
    const { written, standing } = await write(tx, [...first.values()]);
    const rejections: Rejection[] = received.refused.map((r) => ({ ...r, transaction_id: null, reason: 'invalid' }));
    let known = 0;
    given.forEach((row, i) => {
      const { transactionId } = row;
      const said = { line: received.lines[i] ?? i + 1, transaction_id: transactionId };
      const why = refused[i];
      if (why) {
        rejections.push({ ...said, ...why });
        return;
      }
      const stands = standing.get(transactionId);
      if (!stands) throw new Error(`${transactionId} was neither refused nor written`);
      const differs = difference(row, stands);
      if (differs) rejections.push({ ...said, ...differs, reason: 'conflict' });
      else if (!(written.has(transactionId) && first.get(transactionId) === row)) known += 1;
    });
    const rows = [...first.values()].filter((row) => written.has(row.transactionId));
    const counts = {
      received: given.length + received.refused.length,
      new: rows.length,
      known,
      rejected: rejections.length,
    };
    const digest = sha256(rows.map(canonical).join('\n'));
    tx.log({
      kind: `${kind}.ingested`,
      actor: ctx.actor,
      subject: { kind: 'transactions', id: ctx.newId(kind) },
      body: { ...counts, digest },
    });
    return { ...counts, rejections: rejections.sort((a, b) => a.line - b.line), digest };
  });
}

export const transactionHandlers: Handlers<typeof transactions> = {
  ingestTransactions: ({ body }, ctx) =>
    ingest(
      ctx,
      'transactions',
      body.map((r) => ({
        transactionId: r.transaction_id,
        occurredAt: r.occurred_at,
        customerId: r.customer_id,
        terminalId: r.terminal_id,
        amount: r.amount,
      })),
      writeTransactions,
    ),
  ingestDisputes: ({ body }, ctx) =>
    ingest(
      ctx,
      'disputes',
      body.map((r) => ({ transactionId: r.transaction_id, disputedAt: r.disputed_at })),
      writeDisputes,
      unfounded,
    ),
};
