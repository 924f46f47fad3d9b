import type { TransactionSources } from '../../db/transactions/sources';
import type { Tool } from '../call';
import type { PublishDeps } from '../publishing/publish';
import { backTest } from './back-test';
import { blueprintsMatch, knowledgeSearch } from './knowledge';
import { logFileTools } from './log-files';
import { sitePublish } from './site';
import { ticketsNote, ticketsRelated } from './tickets';
import { transactionTools } from './transactions';
import { vaultCheck } from './vault';

/** What the built-in tools lean on. */
export interface ToolDeps extends PublishDeps {
  transactions: TransactionSources;
  /** A back-test that takes longer is stopped. */
  backTestMs: number;
}

/** The tools that every agent may be granted. */
export const builtinTools = (deps: ToolDeps): Tool[] => [
  ...logFileTools,
  knowledgeSearch,
  blueprintsMatch,
  ticketsRelated,
  ticketsNote,
  vaultCheck,
  sitePublish(deps),
  ...transactionTools(deps.transactions),
  backTest(deps.transactions, deps.backTestMs),
];
