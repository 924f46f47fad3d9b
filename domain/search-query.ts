/** What people type into a search box, as Postgres' `websearch_to_tsquery` reads it over texts without accents and signs. */
export interface SearchQuery {
  query: string;
  /** Words of which a text that fits holds at least one; null when it may hold none of them. */
  words: string | null;
}

/** As search_terms has them (migrations/000003): accents are dropped, the marks that other scripts spell with are not. */
const cleaned = (text: string): string =>
  text
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]+/g, '')
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, ' ')
    .trim();

/** Words are asked for together; `"…"` is a phrase, `or` a choice, `-` leaves out. A word with signs in it is a phrase. */
export function searchQuery(text: string): SearchQuery {
  const parts = [...text.matchAll(/(-?)(?:"([^"]*)"?|([^\s"]+))/g)].flatMap(([, minus = '', phrase, word]) => {
    const words = cleaned(phrase ?? word ?? '');
    const choice = phrase === undefined && !minus && words.toLowerCase() === 'or';
    return words ? [{ words, choice, minus: minus !== '', text: choice ? 'or' : `${minus}"${words}"` }] : [];
  });
  const wanted = parts.filter((p) => !p.choice && !p.minus).map((p) => p.words);
  const open = wanted.length === 0 || (parts.some((p) => p.choice) && parts.some((p) => p.minus));
  return { query: parts.map((p) => p.text).join(' '), words: open ? null : wanted.join(' ') };
}
