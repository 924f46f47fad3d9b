import type { TraceDocument } from '../../../../domain/trace';
import type { Line } from './outline';

/** Every text, number and key in a value. */
function words(value: unknown, into: string[]): void {
  const rest: unknown[] = [value]; // a stack of its own: values may be nested deeper than calls can be
  while (rest.length) {
    const next = rest.pop();
    if (typeof next === 'object' && next !== null) {
      for (const [key, inner] of Object.entries(next).toReversed())
        rest.push(inner, ...(Array.isArray(next) ? [] : [key]));
    } else if (typeof next === 'string') into.push(next);
    else if (typeof next === 'number' || typeof next === 'boolean') into.push(String(next));
  }
}

const textOf = (value: unknown): string => {
  const into: string[] = [];
  words(value, into);
  return into.join('\n').toLowerCase();
};

export const termsOf = (query: string): string[] => query.toLowerCase().split(/\s+/).filter(Boolean);

/** Finds the lines that hold every term somewhere. What there is to look in is gathered at the first search. */
export function searcher(lines: readonly Line[], { steps: _steps, evidence: _evidence, ...rest }: TraceDocument) {
  let texts: string[] | null = null;
  return (terms: readonly string[]): Set<number> | null => {
    if (!terms.length) return null;
    texts ??= lines.map(({ step }) => textOf(step ? Object.values(step) : Object.values(rest)));
    const found = new Set<number>();
    for (const [i, text] of texts.entries()) if (terms.every((term) => text.includes(term))) found.add(i);
    return found;
  };
}
