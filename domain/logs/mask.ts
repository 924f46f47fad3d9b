import { detach } from './text';

/**
 * What varies from line to line gets a name: `Failed password for root from <ip> port <num> ssh2`. Two lines with the
 * same masked text are the same kind of event, whatever their values.
 */
const UUID = /[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/gi;
const IPV4 = /^(?:\d{1,3}\.){3}\d{1,3}$/;
const IPV6 =
  /^(?:(?:[\da-f]{1,4}:){7}[\da-f]{1,4}|(?:[\da-f]{1,4}:){1,6}(?::[\da-f]{1,4}){1,6}|(?:[\da-f]{1,4}:){1,7}:|::(?:[\da-f]{1,4}:){0,5}[\da-f]{1,4})$/i;
const HEX = /\b(?:0x[\da-f]+|(?=[a-f]*\d)(?=\d*[a-f])[\da-f]{8,})\b/gi;
const NUMBER = /(?<![A-Za-z_\d<])\d+(?:\.\d+)*/g;
const WITH_PORT = /^([\d.]+):\d{1,5}$/;
const WORDS_KEPT = 10_000;
const LONGEST_KEPT = 80;

interface Masked {
  text: string;
  address: string | null;
}

/** The mask of one word that holds a digit: letters, digits and `_ . : -`. */
function maskWord(word: string): Masked {
  let end = word.length;
  while (end > 0 && '.:-'.includes(word.charAt(end - 1))) end -= 1;
  const bare = word.startsWith('::', end) ? word : word.slice(0, end);
  const after = word.slice(bare.length);
  if (IPV4.test(bare) || IPV6.test(bare)) return { text: `<ip>${after}`, address: bare };
  const port = WITH_PORT.exec(bare);
  if (port !== null && IPV4.test(port[1] ?? '')) return { text: `<ip>:<num>${after}`, address: port[1] ?? null };
  const text = bare.replace(UUID, '<uuid>').replace(HEX, '<hex>').replace(NUMBER, '<num>');
  return { text: text + after, address: null };
}

const LETTER = 1;
const DIGIT = 2;
const SLASH = 3;
const PATH_END = 4;

/** What a character can be part of; everything beyond ASCII is plain text. */
const KINDS = new Uint8Array(128);
for (const char of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_.:-') KINDS[char.charCodeAt(0)] = LETTER;
for (const char of '0123456789') KINDS[char.charCodeAt(0)] = DIGIT;
KINDS['/'.charCodeAt(0)] = SLASH;
for (const char of ' \t"\',;)]}>') KINDS[char.charCodeAt(0)] = PATH_END;

function kindAt(text: string, at: number): number {
  const code = at < text.length ? text.charCodeAt(at) : 128;
  return code < 128 ? (KINDS[code] ?? 0) : 0;
}

/** A slash begins a path unless it stands within a word (`HTTP/1.1`) or alone. */
function pathEnd(text: string, at: number): number {
  const before = text[at - 1] ?? ' ';
  const within =
    before !== ':' && (kindAt(text, at - 1) === LETTER || kindAt(text, at - 1) === DIGIT || /[/<~]/.test(before));
  if (at > 0 && within) return at;
  let end = at + 1;
  while (end < text.length && kindAt(text, end) !== PATH_END) end += 1;
  return end - at > 1 ? end : at;
}

/** Masks messages. It remembers words: the same addresses and numbers come again and again. */
export class Masker {
  private readonly words = new Map<string, Masked>();

  /** The masked text; addresses that were masked are added to `addresses`. */
  mask(text: string, addresses: string[]): string {
    let out = '';
    let copied = 0;
    let at = 0;
    while (at < text.length) {
      const kind = kindAt(text, at);
      let end = at + 1;
      let masked: string | null = null;
      if (kind === LETTER || kind === DIGIT) {
        let digits = kind === DIGIT ? 1 : 0;
        for (let next = kindAt(text, end); next === LETTER || next === DIGIT; next = kindAt(text, ++end))
          if (next === DIGIT) digits += 1;
        if (digits === end - at) masked = '<num>';
        else if (digits > 0) masked = this.word(text.slice(at, end), addresses);
      } else if (kind === SLASH) {
        end = pathEnd(text, at);
        if (end > at) masked = '<path>';
        else end = at + 1;
      }
      if (masked !== null) {
        out += text.slice(copied, at) + masked;
        copied = end;
      }
      at = end;
    }
    return copied === 0 ? text : out + text.slice(copied);
  }

  private word(word: string, addresses: string[]): string {
    let masked = this.words.get(word);
    if (masked === undefined) {
      masked = maskWord(word);
      if (this.words.size >= WORDS_KEPT) this.words.clear();
      if (word.length <= LONGEST_KEPT) this.words.set(detach(word), masked);
    }
    if (masked.address !== null) addresses.push(masked.address);
    return masked.text;
  }
}

const PRIVATE =
  /^(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|169\.254\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|f[cd][\da-f]{2}:|fe80:)/i;

export const isAddress = (value: string): boolean => IPV4.test(value) || IPV6.test(value);

/** Whether an address is of the own network, of the machine itself, or of the world. */
export function scopeOf(value: string): 'public' | 'private' | 'loopback' | 'unknown' {
  if (!isAddress(value)) return 'unknown';
  if (value === '::1' || value.startsWith('127.')) return 'loopback';
  return PRIVATE.test(value) ? 'private' : 'public';
}
