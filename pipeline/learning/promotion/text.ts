/**
 * Texts that several postmortems share grow by sections and lose them again: what a promotion appended is remembered to
 * the letter, so that taking it back leaves what others wrote since.
 */
export const append = (text: string, section: string): { text: string; added: string } => {
  const added = text === '' ? section : `\n\n${section}`;
  return { text: text + added, added };
};

/** Without what was added; the text as it is when somebody has rewritten that part. */
export function withdraw(text: string, added: string): string {
  if (added === '') return text;
  const at = text.lastIndexOf(added);
  if (at >= 0) return (text.slice(0, at) + text.slice(at + added.length)).replace(/^\n\n/, '');
  // What stood before it is gone, and with it the empty line between the two.
  const first = added.replace(/^\n\n/, '');
  return text.startsWith(first) ? text.slice(first.length).replace(/^\n\n/, '') : text;
}

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

/** `incident:auth-failures` as people read it. */
export const keyInWords = (key: string): string => capital(key.replace(/[:-]+/g, ' '));

/** Lists of a postmortem hold texts, or objects whose form their writers chose. */
export const inWords = (item: unknown): string => {
  if (typeof item === 'string') return item;
  if (item === null || typeof item !== 'object') return String(item);
  return Object.entries(item)
    .map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('; ');
};

/** Both lists, each thing once. */
export function merge<T>(known: readonly T[], more: readonly T[]): T[] {
  const seen = new Set(known.map((item) => JSON.stringify(item)));
  return [...known, ...more.filter((item) => !seen.has(JSON.stringify(item)) && seen.add(JSON.stringify(item)))];
}

/** Those of `more` that `known` does not hold yet. */
export const news = <T>(known: readonly T[], more: readonly T[]): T[] => merge(known, more).slice(known.length);

export const without = <T>(items: readonly T[], gone: readonly T[]): T[] => {
  const out = new Set(gone.map((item) => JSON.stringify(item)));
  return items.filter((item) => !out.has(JSON.stringify(item)));
};
