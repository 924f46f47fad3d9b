import { hash } from 'node:crypto';
import canonicalize from 'canonicalize';

/** RFC 8785. @throws TypeError for what JSON has no form for. */
export function canonical(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('not JSON');
  return text;
}

export const sha256 = (text: string | Buffer): string => hash('sha256', text);
export const digestOf = (value: unknown): string => sha256(canonical(value));

/**
 * The audit door's other serialisation: sorted keys, `, ` and `: ` between, everything outside printable ASCII escaped.
 * Only flat objects of strings are ever written in it.
 */
export const spaced = (value: Record<string, string>): string => {
  const quote = (s: string): string =>
    JSON.stringify(s).replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
  const members = Object.keys(value)
    .sort()
    .map((k) => `${quote(k)}: ${quote(value[k] ?? '')}`);
  return `{${members.join(', ')}}`;
};
