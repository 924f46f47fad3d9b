import { excerpt } from './text';
import type { Excerpt } from './types';

const MAX_TERMS = 8;
const EXACT = /^[\d.:]+$/;
const ADJOINING = /[\d.]/;

export interface Query {
  query: string;
  terms: string[];
  matches: (line: string) => boolean;
}

/**
 * A query is plain words and "quoted phrases": a line matches when it holds all of them, in whatever case. Numbers and
 * addresses match whole (`1.2.3.4` is not in `11.2.3.45`); everything else matches as part of a word too.
 */
export function parseQuery(query: string): Query {
  const found = [...query.matchAll(/"([^"]+)"|(\S+)/g)].map((p) => (p[1] ?? p[2] ?? '').trim().toLowerCase());
  const terms = [...new Set(found.filter((term) => term !== ''))].slice(0, MAX_TERMS);
  const tests = terms.map((term) => (EXACT.test(term) ? whole(term) : (line: string): boolean => line.includes(term)));
  return { query, terms, matches: (line) => terms.length > 0 && searchLine(line, tests) };
}

function searchLine(line: string, tests: readonly ((line: string) => boolean)[]): boolean {
  const lower = line.toLowerCase();
  return tests.every((test) => test(lower));
}

function whole(term: string): (line: string) => boolean {
  return (line) => {
    for (let at = line.indexOf(term); at >= 0; at = line.indexOf(term, at + 1)) {
      const after = line.slice(at + term.length, at + term.length + 2);
      // The full stop of a sentence ends an address, a dot before another digit does not.
      if (!ADJOINING.test(line[at - 1] ?? ' ') && !/^(?:\d|\.\d)/.test(after)) return true;
    }
    return false;
  };
}

/** Collects what a search found: every match is counted, the first `limit` are kept. */
export class Search {
  total = 0;
  readonly matches: Excerpt[] = [];
  private line = 0;

  constructor(
    readonly query: Query,
    private readonly limit: number,
  ) {}

  add(line: string): void {
    this.line += 1;
    if (!this.query.matches(line)) return;
    this.total += 1;
    if (this.matches.length < this.limit) this.matches.push({ line: this.line, text: excerpt(line.trimEnd()) });
  }
}
