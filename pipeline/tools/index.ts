import type { Tool } from '../call';
import type { PublishDeps } from '../publishing/publish';
import { blueprintsMatch, knowledgeSearch } from './knowledge';
import { logFileTools } from './log-files';
import { sitePublish } from './site';
import { ticketsNote, ticketsRelated } from './tickets';
import { vaultCheck } from './vault';

/** The tools that every agent may be granted. */
export const builtinTools = (deps: PublishDeps): Tool[] => [
  ...logFileTools,
  knowledgeSearch,
  blueprintsMatch,
  ticketsRelated,
  ticketsNote,
  vaultCheck,
  sitePublish(deps),
];
