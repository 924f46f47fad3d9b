import { changes } from './contracts/agentic/changes';
import { changeHandlers } from './handlers/agentic/changes';
import type { AnyHandler, Mounted } from './http/mount';
import type { Operation } from './operation';

type Declared = Record<string, Operation>;

/** Every tag: what is declared, and what carries it out. */
const tags: [declared: Declared, handlers: object][] = [
  [changes, changeHandlers],
];

export const operations: readonly Mounted[] = tags.flatMap(([declared, handlers]) =>
  Object.entries(declared).map(([name, op]) => ({ name, op, handler: (handlers as Record<string, AnyHandler>)[name] as AnyHandler })),
);
