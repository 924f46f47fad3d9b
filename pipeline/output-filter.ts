import { storableText } from '../domain/storable';
import { isPlaceholder, looksSecret, namedSecret, secretForms, secretKey } from './secret-forms';

/** What stands behind such a name and is no value. */
const words =
  /^(?:(?:in)?correct|(?:in)?valid|required|missing|none|null|nil|true|false|expired|changed|reset|unknown|empty|yes|no|not|is|was|string|failed|wrong|optional|authentication|rotated|disabled|enabled)\.?$/i;
/** A value ends its line or its field; behind a word of a sentence the next one stands. */
const endsThere = /^\\?["']?\s*(?:$|[\n\r,;)}\]&\\<])/;

/** With an equals sign anything is a value; with a colon, what looks like one, is quoted, or stands alone. */
function isValue(value: string, between: string, after: string): boolean {
  if (isPlaceholder(value) || words.test(value)) return false;
  return between.includes('=') || /["']$/.test(between) || looksSecret(value) || endsThere.test(after);
}

/** The same JSON with credentials replaced and text made fit for storage; `found` names what was replaced. */
export function filterOutput(value: unknown): { value: unknown; found: string[] } {
  const found = new Set<string>();
  const removed = (name: string): string => {
    found.add(name);
    return `[${name} removed]`;
  };
  const clean = (text: string): string => {
    let out = storableText(text);
    for (const { name, pattern } of secretForms) out = out.replace(pattern, () => removed(name));
    return out.replace(namedSecret, (whole: string, ...rest: unknown[]) => {
      const { name, between, value } = rest.at(-1) as Record<'name' | 'between' | 'value', string>;
      const at = rest.at(-3) as number;
      if (!isValue(value, between, out.slice(at + whole.length, at + whole.length + 8))) return whole;
      return /["']/.test(between) ? name + between + removed('password') : removed('password'); // JSON stays JSON
    });
  };
  const of = (part: unknown, key: string): unknown => {
    if (typeof part === 'string') {
      const text = clean(part);
      return secretKey.test(key) && text.length >= 4 && !isPlaceholder(text) && !words.test(text)
        ? removed('password')
        : text;
    }
    if (Array.isArray(part)) return part.map((p) => of(p, key));
    if (part === null || typeof part !== 'object') return part;
    return Object.fromEntries(Object.entries(part).map(([k, v]) => [clean(k), of(v, k)]));
  };
  return { value: of(value, ''), found: [...found] };
}

/** The same text with credentials replaced. */
export const filterText = (text: string): string => String(filterOutput(text).value);
