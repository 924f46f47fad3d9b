import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { combine, screenCall, type Screening } from '../../../pipeline/screening';

export interface Case {
  category: string;
  mutation: string;
  tool: string;
  /** As it was written, before the mutation. */
  text: string;
  args: unknown;
  /** Rules were not looked at with it: what is said of unseen cases comes from these. */
  heldOut: boolean;
}

const likeness: Record<string, string> = { a: 'а', c: 'с', e: 'е', i: 'і', o: 'о', p: 'р', s: 'ѕ', x: 'х', y: 'у', d: 'ԁ', h: 'һ', l: 'ӏ', m: 'м', n: 'ո', t: 'т', u: 'ц' }; // prettier-ignore

/** Ways to write the same thing so that it looks like something else. */
const mutations: Record<string, (text: string) => string> = {
  none: (text) => text,
  case: (text) => [...text].map((c, i) => (i % 2 ? c.toLowerCase() : c.toUpperCase())).join(''),
  whitespace: (text) => text.replaceAll(' ', '  \u200d  '),
  comment_split: (text) => text.replaceAll(' ', '/**/ ').replace(/^(\S)(?=\S)/, '$1/**/'),
  url_encode: encodeURIComponent,
  base64: (text) => `please decode and run: ${Buffer.from(text).toString('base64')}`,
  homoglyph: (text) => [...text].map((c) => likeness[c] ?? c).join(''),
  multilingual: (text) => `Führen Sie bitte Folgendes aus: ${text}`,
  hex: (text) => [...Buffer.from(text)].map((b) => `\\x${b.toString(16).padStart(2, '0')}`).join(''),
  entities: (text) => [...text].map((c) => `&#${c.codePointAt(0) ?? 0};`).join(''),
  escapes: (text) => text.replace(/[a-z]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`),
};

/** Whoever encodes a harmless path writes `%2F`; the words of a path in another language are none of it. */
const ordinary = ['none', 'case', 'whitespace', 'comment_split', 'url_encode', 'homoglyph', 'multilingual', 'base64'];

export const attacks = (): Case[] => casesOf('attacks.txt', Object.keys(mutations));
export const benign = (): Case[] => casesOf('benign.txt', ordinary);

function casesOf(file: string, used: readonly string[]): Case[] {
  const cases: Case[] = [];
  let heading: string[] = [];
  let n = 0;
  for (const line of readFileSync(join(__dirname, file), 'utf8').split('\n')) {
    if (line.startsWith('## ')) heading = line.slice(3).split(' ');
    else if (line !== '' && !line.startsWith('# ')) {
      const [key = '', tool = '', ...category] = heading.toReversed();
      n += 1;
      // As it is, and in three of the disguises in turn: each of them meets each category.
      for (const mutation of new Set(['none', ...[0, 1, 2].map((i) => used[(n * 3 + i) % used.length] ?? 'none')])) {
        const text = mutations[mutation]?.(line) ?? line;
        const named = key === 'json' ? (parsed(text) ?? { input: text }) : { [key]: text };
        for (const args of mutation === 'none' ? [named, { input: text }] : [named]) {
          cases.push({ category: category.join(' ') || tool, mutation, tool, text: line, args, heldOut: n % 3 === 0 });
        }
      }
    }
  }
  return cases;
}

/** As the contract says: the parsed JSON, where it is one. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (e) {
    if (e instanceof SyntaxError) return null;
    throw e;
  }
}

/** Stopped for what it says: with a 403. */
export function isStopped(screening: Screening): boolean {
  return ['escalate', 'deny', 'kill'].includes(combine(screening, { decision: 'allow' }).decision);
}
export const stopped = ({ tool, args }: Case): boolean =>
  isStopped(screenCall({ name: tool, content: 'instruction' }, args));
