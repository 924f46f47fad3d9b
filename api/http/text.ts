const deepest = 64;

/**
 * Where a value holds what cannot be stored (NUL, half of a surrogate pair, a number beyond any, nesting without end), as
 * a dotted path; null when nowhere.
 */
export function firstIllFormed(value: unknown, path = '', depth = 0): string | null {
  const ill = path || 'body';
  if (typeof value === 'string') return value.includes('\u0000') || !value.isWellFormed() ? ill : null;
  if (typeof value === 'number') return Number.isFinite(value) ? null : ill;
  if (value === null || typeof value !== 'object') return null;
  if (depth > deepest) return path.split('.')[0] ?? ill;
  for (const [key, inner] of Object.entries(value)) {
    const here = path ? `${path}.${key}` : key;
    const found = firstIllFormed(key, ill, depth) ?? firstIllFormed(inner, here, depth + 1);
    if (found !== null) return found;
  }
  return null;
}
