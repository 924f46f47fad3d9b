import { expand, normalise } from './normalise';
import { rules } from './rules/table';
import { flatten, Subject, type Kind } from './subject';

/** What a tool answered, looked through after the fact: what it says to whoever reads it, and about how many people it tells. */

/** Of an answer so many characters are read, field by field. */
const readCharacters = 10_000;
/** So many addresses, or numbers that belong to one person each, are data about many people. */
const many = { addresses: 20, numbers: 5 };

const injections = rules.filter((r) => r.finding === 'prompt_injection_detected');
const asModel: ReadonlySet<Kind> = new Set(['chat']);

/** Whether a text tells a model what to do, in any of its readings. */
export const instructs = (text: string): boolean =>
  [...new Set(expand(text).flatMap(normalise))].some((reading) => {
    const subject = new Subject('', asModel, reading, []);
    return injections.some((r) => r.on.includes('chat') && r.match(subject));
  });

const address = /\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}\b/g;
const social = /(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])/g;
const card = /(?<!\d)(?:\d{4}[ -]?){3}\d{1,7}(?!\d)/g;
const iban = /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b/g;

/** By its check digit: a number of any other kind passes in one of ten cases. */
function isCard(text: string): boolean {
  const digits = text.replace(/\D/g, '');
  if (digits.length < 13 || digits.length > 19) return false;
  const sum = [...digits].reverse().reduce((total, digit, i) => {
    const n = Number(digit) * (i % 2 === 1 ? 2 : 1);
    return total + (n > 9 ? n - 9 : n);
  }, 0);
  return sum % 10 === 0;
}

function isIban(text: string): boolean {
  const plain = text.replaceAll(' ', '');
  const digits = (plain.slice(4) + plain.slice(0, 4)).replace(/[A-Z]/g, (c) => String(c.charCodeAt(0) - 55));
  return BigInt(digits) % 97n === 1n;
}

export interface ResultFindings {
  /** How many personal numbers and addresses, each counted once; null: too few to be data about many people. */
  people: number | null;
  /** Fields that tell whoever reads them what to do, as they were written. */
  instructions: readonly string[];
}

/** Linear in what is read. */
export function screenResult(result: unknown): ResultFindings {
  const instructions: string[] = [];
  const addresses = new Set<string>();
  const numbers = new Set<string>();
  let left = readCharacters;
  for (const { value } of flatten(result)) {
    if (left <= 0) break;
    const text = value.slice(0, left);
    left -= text.length;
    for (const [found] of text.matchAll(address)) addresses.add(found.toLowerCase());
    for (const [found] of text.matchAll(social)) numbers.add(found);
    for (const [found] of text.matchAll(card)) if (isCard(found)) numbers.add(found.replace(/\D/g, ''));
    for (const [found] of text.matchAll(iban)) if (isIban(found)) numbers.add(found.replaceAll(' ', ''));
    // Shorter than that nothing is an order to somebody.
    if (text.length >= 16 && instructs(text)) instructions.push(value);
  }
  const isMany = addresses.size >= many.addresses || numbers.size >= many.numbers;
  return { people: isMany ? addresses.size + numbers.size : null, instructions };
}
