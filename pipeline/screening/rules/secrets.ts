import { looksSecret, namedSecret, secretForms } from '../../secret-forms';

/** Of a value that only its name tells: shorter ones are words. */
const shortest = 8;

/** Credentials in texts that people read: notes, messages, reports, prompts. A word like `password` alone is none. */
export function holdsSecret(text: string): boolean {
  if (secretForms.some(({ pattern }) => text.search(pattern) !== -1)) return true;
  for (const { groups } of text.matchAll(namedSecret)) {
    const value = groups?.['value'] ?? '';
    if (value.length >= shortest && looksSecret(value)) return true;
  }
  return false;
}
