/** The same JSON with each of its texts, keys included, put through `change`. */
export function mapText(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((v) => mapText(v, change));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [change(k), mapText(v, change)]));
}

/** The same text without what Postgres cannot hold. After cutting: a cut may leave half of a pair. */
export const storableText = (text: string): string => text.toWellFormed().replaceAll('\u0000', '\uFFFD');

/** The same JSON without what Postgres cannot hold: NUL, and halves of surrogate pairs. */
export const storable = (value: Record<string, unknown>): Record<string, unknown> =>
  mapText(value, storableText) as Record<string, unknown>;
