import { createContext, Script } from 'node:vm';
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv';
import type { JsonSchemaType } from '@modelcontextprotocol/sdk/validation/types.js';

/** A pattern that takes longer over what it is held against is one that nothing fits. */
const patienceMs = 250;
/** Compiled schemas that are kept. */
const mostKept = 500;

type Schema = Record<string, unknown>;
/** Says what does not fit; null when all does. */
export type Fits = (value: unknown) => string | null;

const box = createContext({ work: null as (() => unknown) | null });
const script = new Script('work()');
/** Schemas are somebody else's: their patterns may be made to take for ever. @throws Error when it takes too long */
function inTime<T>(work: () => T): T {
  (box as { work: unknown }).work = work;
  return script.runInContext(box, { timeout: patienceMs }) as T;
}
const isLate = (e: unknown): boolean => (e as { code?: unknown }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';

const kept = new Map<string, Fits>();

/**
 * Reads a JSON schema. The dialect that it names is not looked up, and its names are its own: each has a validator to itself.
 * @throws Error with what is wrong with it
 */
export function fitsSchema(key: string, { $schema: _, $id: __, $async: ___, ...schema }: Schema): Fits {
  const known = kept.get(key);
  if (known) return known;
  let validate: ReturnType<AjvJsonSchemaValidator['getValidator']>;
  try {
    validate = inTime(() => new AjvJsonSchemaValidator().getValidator(schema as JsonSchemaType));
  } catch (e) {
    throw new Error(isLate(e) ? 'it takes too long to read' : String((e as Error).message).slice(0, 300), { cause: e });
  }
  const fits: Fits = (value) => {
    try {
      const said = inTime(() => validate(value));
      return said.valid ? null : said.errorMessage.slice(0, 500);
    } catch (e) {
      if (isLate(e)) return `could not be checked within ${patienceMs} ms`;
      throw e;
    }
  };
  const [oldest] = kept.keys();
  if (kept.size >= mostKept && oldest !== undefined) kept.delete(oldest);
  kept.set(key, fits);
  return fits;
}
