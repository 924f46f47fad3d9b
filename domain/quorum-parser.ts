import { Invalid } from './errors';
import type { Needs } from './quorum';

/*
 * expression = clause { "or" clause }
 * clause     = part { "and" part }
 * part       = count "of" name | name | "not" name | "(" expression ")"
 * count      = a number from 1 to 99 | "any" | "all"
 * name       = a word, or anything between double quotes
 *
 * `not` leaves people out of the whole decision, so it stands outside of `or` and of parentheses. A name alone is a person.
 */

/** A name, and where it stands: the place of its first character, from 1. */
export interface Named {
  name: string;
  at: number;
}
/** `all of` is still of as many as there turn out to be. */
export type Parsed =
  { is: 'count'; n: number | 'all'; of: Named } | { is: 'all'; parts: Parsed[] } | { is: 'any'; parts: Parsed[] };
export interface Expression {
  needs: Parsed;
  /** Whose votes count nowhere; `requester` is who asked. */
  without: Named[];
}

interface Token {
  text: string;
  at: number;
  quoted: boolean;
}

const most = { characters: 1_000, depth: 20 } as const;
const keywords = new Set(['of', 'and', 'or', 'not', 'any', 'all']);
const end = 'the end';

function wrong(field: string, at: number, message: string): Invalid {
  return new Invalid(`${field}: at character ${at}: ${message}`, { field, at });
}

function tokensOf(text: string, field: string): Token[] {
  const tokens: Token[] = [];
  const form = /\s*(?:"([^"]*)"|([()])|([^\s()"]+)|(\S))/y;
  for (let found = form.exec(text); found; found = form.exec(text)) {
    const [whole, quoted, paren, word, other] = found;
    const at = found.index + whole.length - whole.trimStart().length + 1;
    if (other !== undefined) throw wrong(field, at, 'the quotation that begins here has no end');
    if (quoted?.trim() === '') throw wrong(field, at, 'a name between quotation marks must say something');
    tokens.push({ text: quoted?.trim() ?? paren ?? word ?? '', at, quoted: quoted !== undefined });
  }
  return tokens;
}

/**
 * Reads a quorum expression. @throws Invalid that names the place
 * @example parseQuorum('2 of sre and 1 of security and not requester')
 */
export function parseQuorum(text: string, field = 'approval_policy.quorum'): Expression {
  if (text.length > most.characters) throw wrong(field, most.characters + 1, `at most ${most.characters} characters`);
  const tokens = tokensOf(text, field);
  const without: Named[] = [];
  let place = 0;
  let depth = 0;
  const is = (word: string): boolean => {
    const token = tokens[place];
    return token !== undefined && !token.quoted && token.text.toLowerCase() === word;
  };
  const taken = (word: string): boolean => is(word) && Boolean(++place);
  const found = (): string => (tokens[place] ? `"${tokens[place]?.text ?? ''}"` : end);
  const here = (): number => tokens[place]?.at ?? text.length + 1;
  const expected = (what: string): Invalid => wrong(field, here(), `expected ${what}, found ${found()}`);

  const name = (what: string): Named => {
    const token = tokens[place];
    if (!token || (!token.quoted && (keywords.has(token.text.toLowerCase()) || /^[()]$/.test(token.text))))
      throw expected(what);
    place++;
    return { name: token.text, at: token.at };
  };
  /** Null: it leaves somebody out, and needs nothing. */
  const part = (): Parsed | null => {
    if (taken('not')) {
      without.push(name('who is left out'));
      return null;
    }
    if (is('(')) {
      const at = here();
      place++;
      if (++depth > most.depth) throw wrong(field, at, `at most ${most.depth} parentheses within one another`);
      const inner = expression();
      depth--;
      if (!taken(')')) throw expected('")"');
      return inner;
    }
    const many = taken('any') ? 1 : taken('all') ? ('all' as const) : countHere();
    if (many === null) return { is: 'count', n: 1, of: personHere() };
    if (!taken('of')) throw expected('"of"');
    return { is: 'count', n: many, of: name('the name of a group or person') };
  };
  const countHere = (): number | null => {
    const token = tokens[place];
    if (!token || token.quoted || !/^\d+$/.test(token.text)) return null;
    const n = Number(token.text);
    if (n < 1 || n > 99) throw wrong(field, token.at, `expected a number from 1 to 99, found ${token.text}`);
    place++;
    return n;
  };
  const personHere = (): Named => {
    const named = name('a number, a name, "not" or "("');
    if (is('of')) throw wrong(field, named.at, `expected a number before "of", found "${named.name}"`);
    return named;
  };
  const joined = (kind: 'all' | 'any', parts: (Parsed | null)[]): Parsed | null => {
    const needed = parts.filter((p) => p !== null);
    return needed.length > 1 ? { is: kind, parts: needed } : (needed[0] ?? null);
  };
  const separated = (word: string, next: () => Parsed | null): (Parsed | null)[] => {
    const parts = [next()];
    while (taken(word)) parts.push(next());
    return parts;
  };
  const expression = (): Parsed | null => {
    const before = without.length;
    const clauses = separated('or', () => joined('all', separated('and', part)));
    const astray = clauses.length > 1 || depth > 0 ? without[before] : undefined;
    if (astray)
      throw wrong(field, astray.at, '"not" holds for the whole decision: put it outside of "or" and of parentheses');
    return joined('any', clauses);
  };

  const needs = expression();
  if (place < tokens.length) throw expected('"and", "or" or the end');
  if (!needs) throw wrong(field, 1, 'somebody has to approve: "1 of", and the name of a group');
  return { needs, without };
}

/** The names that an expression asks for votes of. */
export const namesOf = (needs: Parsed): Named[] => (needs.is === 'count' ? [needs.of] : needs.parts.flatMap(namesOf));

/** With the number of people that each name turned out to stand for. */
export const counted = (needs: Parsed, sizeOf: (name: string) => number): Needs =>
  needs.is === 'count'
    ? { is: 'count', of: needs.of.name, n: needs.n === 'all' ? Math.max(1, sizeOf(needs.of.name)) : needs.n }
    : { is: needs.is, parts: needs.parts.map((p) => counted(p, sizeOf)) };
