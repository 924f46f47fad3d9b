/** `agent_id` as `agentId`. */
export type CamelName<S> = S extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelName<Tail> & string>}`
  : S;

/**
 * The wire's names as JavaScript has them, all the way down; but what a caller or an agent put there (a payload, a result)
 * stays as they wrote it.
 */
export type Camel<T> = T extends readonly (infer Item)[]
  ? Camel<Item>[]
  : T extends object
    ? string extends keyof T
      ? T
      : { [K in keyof T as CamelName<K>]: Camel<T[K]> }
    : T;

const camelName = (name: string): string => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
const snakeName = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

function renamed(value: unknown, rename: (name: string) => string, open: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((item) => renamed(item, rename, open));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      rename(name),
      open.includes(snakeName(name)) ? inner : renamed(inner, rename, open),
    ]),
  );
}

/** @param open the parts, as the wire has them, whose content is nobody's but the caller's */
export const toCamel = (value: unknown, open: readonly string[]): unknown => renamed(value, camelName, open);
export const toSnake = (value: unknown, open: readonly string[]): unknown => renamed(value, snakeName, open);
