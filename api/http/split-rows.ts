import { TooLarge } from '../../domain/errors';
import { BadRequest } from '../bad-request';

/** The text of one row; `line` counts from 1. */
export interface Piece {
  line: number;
  text: string;
}

const longest = 16 * 1024;

const short = (piece: Piece): Piece => {
  if (piece.text.length > longest)
    throw new TooLarge(`body: row ${piece.line} is longer than ${longest} characters`, { field: 'body' });
  return piece;
};

/** The lines of a text that are not empty, numbered as they stand in it. */
export async function* lines(texts: AsyncIterable<string>): AsyncIterable<Piece> {
  let rest = '';
  let line = 1;
  for await (const text of texts) {
    rest += text;
    let from = 0;
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n', from)) {
      const piece = short({ line, text: rest.slice(from, end) });
      if (piece.text.trim() !== '') yield piece;
      from = end + 1;
      line += 1;
    }
    rest = rest.slice(from);
    short({ line, text: rest });
  }
  if (rest.trim() !== '') yield { line, text: rest };
}

const blank = /[\s\uFEFF]/;
const malformed = (line: number): BadRequest =>
  new BadRequest(`body: malformed JSON at row ${line}: a JSON array of objects is expected`, { field: 'body' });

/**
 * The elements of a JSON array of objects, numbered. Only where each begins and ends is found here, by its braces and
 * strings; whether it is JSON is for whoever parses it.
 */
export async function* elements(texts: AsyncIterable<string>): AsyncIterable<Piece> {
  let at: 'start' | 'first' | 'element' | 'after' | 'end' = 'start';
  let [line, depth, inString, escaped] = [1, 0, false, false];
  let row = '';
  for await (const text of texts) {
    let from = 0;
    for (let i = 0; i < text.length; i += 1) {
      const c = text.charAt(i);
      if (depth > 0) {
        if (escaped) escaped = false;
        else if (inString) {
          if (c === '\\') escaped = true;
          else if (c === '"') inString = false;
        } else if (c === '"') inString = true;
        else if (c === '{' || c === '[') depth += 1;
        else if (c === '}' || c === ']') depth -= 1;
        if (depth > 0) continue;
        yield short({ line, text: row + text.slice(from, i + 1) });
        [row, at, line] = ['', 'after', line + 1];
      } else if (blank.test(c)) continue;
      else if (c === '[' && at === 'start') at = 'first';
      else if (c === '{' && (at === 'first' || at === 'element')) [from, depth] = [i, 1];
      else if (c === ',' && at === 'after') at = 'element';
      else if (c === ']' && (at === 'first' || at === 'after')) at = 'end';
      else throw malformed(line);
    }
    if (depth > 0) short({ line, text: (row += text.slice(from)) });
  }
  if (at !== 'end' && at !== 'start') throw malformed(line);
}
