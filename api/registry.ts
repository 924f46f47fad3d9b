import { access } from './contracts/agentic/access';
import { agents } from './contracts/agentic/agents';
import { changes } from './contracts/agentic/changes';
import { notes } from './contracts/agentic/notes';
import { publishing } from './contracts/agentic/publishing';
import { tickets } from './contracts/agentic/tickets';
import { accessHandlers } from './handlers/agentic/access';
import { agentHandlers } from './handlers/agentic/agents';
import { changeHandlers } from './handlers/agentic/changes';
import { noteHandlers } from './handlers/agentic/notes';
import { publishingHandlers } from './handlers/agentic/publishing';
import { ticketHandlers } from './handlers/agentic/tickets';
import type { AnyHandler, Mounted } from './http/mount';
import type { Operation } from './operation';

type Declared = Record<string, Operation>;

/** Every tag: what is declared, and what carries it out. */
const tags: [declared: Declared, handlers: object][] = [
  [tickets, ticketHandlers],
  [notes, noteHandlers],
  [agents, agentHandlers],
  [access, accessHandlers],
  [changes, changeHandlers],
  [publishing, publishingHandlers],
];

export const operations: readonly Mounted[] = tags.flatMap(([declared, handlers]) =>
  Object.entries(declared).map(([name, op]) => ({ name, op, handler: (handlers as Record<string, AnyHandler>)[name] as AnyHandler })),
);
