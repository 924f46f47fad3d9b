/** Words that say nothing about what a piece of work is about. */
const stopWords = new Set(
  (
    'about after again all also and any are because been before being between but can cannot could did does each for from ' +
    'had has have how into its just may more most not now off once only other our out over per please same should since ' +
    'some such than that the their them then there these they this those too under until upon very via was were what when ' +
    'where which while who why will with would you your ' +
    'agent alert blueprint case demo incident issue postmortem problem report request system task test ticket workflow'
  ).split(' '),
);

/** Long texts are read to here; the rest would only cost time. */
const readChars = 50_000;

/** Longer than this is a digest or a blob, no word. */
const longestWord = 64;

/** Without accents and capitals. */
export const plain = (text: string): string =>
  text
    .slice(0, readChars)
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase();

/** The distinct words that a text is about, in order: letters and digits, at least `min` of them, no stop words. */
export function termsOf(text: string, { min = 3, limit = 60 } = {}): string[] {
  const words = plain(text).match(/[\p{L}\p{N}]+/gu) ?? [];
  const telling = words.filter((word) => word.length >= min && word.length <= longestWord && !stopWords.has(word));
  return [...new Set(telling)].slice(0, limit);
}

/** The terms that a text holds as words of their own. */
export function sharedTerms(terms: readonly string[], text: string): string[] {
  const held = new Set(plain(text).match(/[\p{L}\p{N}]+/gu) ?? []);
  return terms.filter((term) => held.has(term));
}
