/** Where a value holds text that Postgres cannot store (NUL, half of a surrogate pair), as a dotted path; null when nowhere. */
export function firstIllFormed(value: unknown, path = ''): string | null {
  if (typeof value === 'string') return value.includes('\u0000') || !value.isWellFormed() ? path || 'body' : null;
  if (value === null || typeof value !== 'object') return null;
  for (const [key, inner] of Object.entries(value)) {
    const here = path ? `${path}.${key}` : key;
    const found = firstIllFormed(key, path || 'body') ?? firstIllFormed(inner, here);
    if (found !== null) return found;
  }
  return null;
}
