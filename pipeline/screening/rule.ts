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
  const [first = 0, ...rest] = sets.map(compile);
  return (subject) => {
    const all = membersOf(subject);
    return all.some((word, start) => has(word, first) && follows(all, start, start + within, rest));
  };
}

function follows(all: readonly Uint32Array[], start: number, end: number, sets: readonly number[]): boolean {
  let at = start;
  for (const set of sets) {
    do at += 1;
    while (at <= end && at < all.length && !has(all[at], set));
    if (at > end || at >= all.length) return false;
  }
  return true;
}

/** None of these words occurs anywhere. */
export function without(list: string): Match {
  const set = compile(list);
  return (subject) => !membersOf(subject).some((word) => has(word, set));
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

// Every list has a number; a word is looked up once for all of them, and what it belongs to is one bit a list.

const numbers = new Map<string, number>();
const exact = new Map<string, number[]>();
const stems = new Map<string, number[]>();
let stemLengths: number[] = [];

/** The number of a list. */
function compile(list: string): number {
  const known = numbers.get(list);
  if (known !== undefined) return known;
  const number = numbers.size;
  numbers.set(list, number);
  for (const entry of list.split(/\s+/).filter((e) => e !== '')) {
    const [table, word] = entry.endsWith('*') ? [stems, entry.slice(0, -1)] : [exact, entry];
    table.set(word, [...(table.get(word) ?? []), number]);
  }
  stemLengths = [...new Set([...stems.keys()].map((stem) => stem.length))];
  return number;
}

function listsOf(word: string): Uint32Array {
  const bits = new Uint32Array(Math.ceil(numbers.size / 32));
  const add = (all: readonly number[] | undefined): void =>
    all?.forEach((n) => void (bits[n >> 5] = (bits[n >> 5] ?? 0) | (1 << (n & 31))));
  add(exact.get(word));
  for (const length of stemLengths) if (length <= word.length) add(stems.get(word.slice(0, length)));
  return bits;
}

const has = (bits: Uint32Array | undefined, set: number): boolean =>
  ((bits?.[set >> 5] ?? 0) & (1 << (set & 31))) !== 0;

const looked = new WeakMap<Subject, readonly Uint32Array[]>();

/** What each word of a text belongs to, looked up once for all rules. */
function membersOf(subject: Subject): readonly Uint32Array[] {
  let found = looked.get(subject);
  if (!found) {
    const distinct = new Map<string, Uint32Array>();
    found = subject.words.map((word) => {
      const bits = distinct.get(word) ?? listsOf(word);
      distinct.set(word, bits);
      return bits;
    });
    looked.set(subject, found);
  }
  return found;
}
