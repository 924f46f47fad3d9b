import type { TransactionSource } from '../../domain/transactions/transaction';
import { storedTransactions, type Reading } from './source';
import { viewTransactions, type ViewSettings } from './view';

/** Where the payments of a tenant are. */
export type TransactionSources = (tenantId: string, read: Reading) => TransactionSource;

/** A view's for the tenant that it was set up for, the table for all others. */
export function transactionSources(view: ViewSettings | null): TransactionSources & { close(): Promise<void> } {
  const viewed = view && { tenantId: view.tenantId, source: viewTransactions(view) };
  const sources: TransactionSources = (tenantId, read) =>
    viewed?.tenantId === tenantId ? viewed.source : storedTransactions(read);
  return Object.assign(sources, { close: async () => viewed?.source.close() });
}
