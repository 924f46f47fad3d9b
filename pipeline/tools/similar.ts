import { plain, sharedTerms } from '../../domain/terms';

/** As many shared terms as this are as good as all of them. */
const plenty = 8;
const rounded = (score: number): number => Math.round(Math.min(1, score) * 100) / 100;

/** How much of what is looked for a text holds: 0..1. */
export const scoreOf = (shared: number, terms: number): number =>
  rounded(shared / Math.max(1, Math.min(terms, plenty)));

/** One word in common is chance, unless it is all that was looked for. */
export const tells = (shared: number, terms: number): boolean => shared > 0 && shared >= Math.min(2, terms);

/** Those that share enough with the terms, best first; of equals the order stays. */
export function rank<T>(terms: readonly string[], items: readonly T[], text: (item: T) => string, limit: number) {
  return items
    .map((item) => ({ item, shared: sharedTerms(terms, text(item)).length }))
    .filter(({ shared }) => tells(shared, terms.length))
    .sort((a, b) => b.shared - a.shared)
    .slice(0, limit)
    .map(({ item, shared }) => ({ item, score: scoreOf(shared, terms.length) }));
}

/** The part of a text around the first term that it holds, in one line. */
export function snippet(text: string, terms: readonly string[], most = 240): string {
  const read = plain(text);
  const first = Math.min(...terms.map((term) => read.indexOf(term)).filter((at) => at >= 0), read.length);
  const from = first >= read.length ? 0 : Math.max(0, first - 60);
  const line = text
    .slice(from, from + most)
    .toWellFormed()
    .replace(/\s+/g, ' ')
    .trim();
  return `${from > 0 ? '…' : ''}${line}${from + most < text.length ? '…' : ''}`;
}
