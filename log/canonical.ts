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

const plain = /^[ !#-[\]-~]*$/;
/** In quotes, with everything outside printable ASCII escaped. */
export const printable = (s: string): string =>
  plain.test(s)
    ? `"${s}"`
    : JSON.stringify(s).replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
