import type { Finding, SignalId } from './signals';
import type { Kind, Subject } from './subject';

/**
 * One row of a table: what fires, on which texts, when. `finding` is the canonical name under which the answer lists it.
 *
 * Patterns run over bounded text and must be linear in it: no quantifier inside a repeated group, gaps with a limit,
 * no unlimited quantifier at the start.
 */
export interface Rule {
  signal: SignalId;
  finding: Finding;
  on: readonly Kind[];
  match: (subject: Subject) => boolean;
}

export type Match = Rule['match'];

/** Any of the patterns occurs in the text. */
export function pattern(...patterns: RegExp[]): Match {
  return (subject) => patterns.some((p) => p.test(subject.text));
}

/** Words of each set in this order, at most `within` words apart from first to last. A star ends a stem. */
export function words(within: number, ...sets: string[]): Match {
  const compiled = sets.map(compile);
  return ({ words: all }) => {
    const [first, ...rest] = compiled;
    return all.some((word, start) => first?.(word) === true && follows(all, start, start + within, rest));
  };
}

function follows(
  all: readonly string[],
  start: number,
  end: number,
  sets: readonly ((word: string) => boolean)[],
): boolean {
  let at = start;
  for (const has of sets) {
    do at += 1;
    while (at <= end && at < all.length && !has(all[at] ?? ''));
    if (at > end || at >= all.length) return false;
  }
  return true;
}

/** None of these words occurs anywhere. */
export function without(list: string): Match {
  const has = compile(list);
  return (subject) => !subject.words.some(has);
}

export function all(...parts: Match[]): Match {
  return (subject) => parts.every((part) => part(subject));
}

export function any(...parts: Match[]): Match {
  return (subject) => parts.some((part) => part(subject));
}

/** An argument whose name fits has a value that does. */
export function field(key: RegExp, value: (value: string) => boolean): Match {
  return (subject) => subject.fields.some((f) => key.test(f.key) && value(f.value));
}

/** The tool's name fits. */
export function tool(name: RegExp): Match {
  return (subject) => name.test(subject.tool);
}

/** The number in an argument is at least this. */
export function atLeast(limit: number): (value: string) => boolean {
  return (value) => {
    const number = Number(value.replace(/[^\d.eE+-]/g, ''));
    return Number.isFinite(number) && number >= limit;
  };
}

/** A few look-ups a word, however long the list. */
function compile(list: string): (word: string) => boolean {
  const entries = list.split(/\s+/).filter((entry) => entry !== '');
  const exact = new Set(entries.filter((entry) => !entry.endsWith('*')));
  const stems = new Set(entries.filter((entry) => entry.endsWith('*')).map((entry) => entry.slice(0, -1)));
  const lengths = [...new Set([...stems].map((stem) => stem.length))];
  return (word) => exact.has(word) || lengths.some((length) => stems.has(word.slice(0, length)));
}
