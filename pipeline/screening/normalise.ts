/**
 * Detection works on normalised text: NFKC, invisible characters to spaces, homoglyphs folded, URL encoding and base64
 * undone, comments removed, whitespace collapsed, lower case. Where a step can be read in two ways (a comment inside a
 * word joins it, one between words parts them) both readings are kept and every rule sees each of them.
 */

/** Look-alikes of Latin letters; upper case has its own row, because folding case first would lose the likeness. */
const lookAlikes: readonly (readonly [from: string, to: string])[] = [
  ['АВЕКМНОРСТУХІЈЅԌԚԜҺӀ', 'abekmhopctyxijsgqwhl'],
  ['авекмһнорстухцґғԍгіїјӏѕԁԛԝѵүёэпшьи', 'abekmhhopctyxurfgriijlsdqwvyeenwbn'],
  ['ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ', 'abezhikmnoptyx'],
  ['αβγδεζηικνορςστυχωϲ', 'abydeznikvopcotuxwc'],
  ['աօոսհցզյռլքգեւ', 'wonuhgqjnlpqeu'],
  ['ıȷɡɑƄʋʏᴀʙᴄᴅᴇɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡᴢøłđħŧ', 'ijgabvyabcdeghijklmnoprstuvwzoldht'],
];

const foldTable = new Map(lookAlikes.flatMap(([from, to]) => [...from].map((c, i) => [c, to[i] ?? c] as const)));

const asciiOnly = /^[\t\n\r -~]*$/;
const percentRun = /(?:%[0-9a-f]{2})+/gi;
const percentUnicode = /%u([0-9a-f]{4})/gi;
const entity = /&(?:#(\d{1,6})|#x([0-9a-f]{1,5})|(lt|gt|amp|quot|apos|nbsp));/gi;
const namedEntities: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'", nbsp: ' ' };
const escape = /\\u([0-9a-f]{4})|\\u\{([0-9a-f]{1,5})\}/gi;
/** Bytes: together they may be the letters of any script. */
const byteRun = /(?:\\x[0-9a-f]{2})+/gi;
const hexRun = /(?<![0-9a-z])(?:0x)?(?:[0-9a-f]{2}){8,}(?![0-9a-z])/gi;
/** Unicode tags mirror ASCII and are not shown: text hidden in them is read as the text it is. */
const tagCharacter = /[\u{E0020}-\u{E007E}]/gu;
const invisible =
  /[\p{Cf}\u0001-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F\u00AD\u034F\u115F\u1160\u2800\u3164\uFE00-\uFE0F]/gu;
const base64Run = /[A-Za-z0-9+/_-]{8,}={0,2}|[A-Za-z0-9+/_-]{6,7}={1,2}/g;
const maxRuns = 64;

/** The text without URL encoding (two rounds), entities and escapes; letters keep their case. */
function decode(text: string): string {
  let decoded = text;
  for (let round = 0; round < 2 && decoded.includes('%'); round += 1) {
    decoded = decoded
      .replace(percentUnicode, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
      .replace(percentRun, (run) => {
        // %c0%af and %c0%ae are overlong forms of / and . that lenient servers accept.
        const hex = run.replaceAll('%', '').toLowerCase().replaceAll('c0af', '2f').replaceAll('c0ae', '2e');
        return Buffer.from(hex, 'hex').toString('utf8');
      });
  }
  if (decoded.includes('&')) {
    decoded = decoded.replace(entity, (_, dec?: string, hex?: string, name?: string) => {
      if (name) return namedEntities[name.toLowerCase()] ?? '';
      const code = dec ? parseInt(dec, 10) : parseInt(hex ?? '0', 16);
      return code <= 0x10ffff ? String.fromCodePoint(code) : '';
    });
  }
  if (decoded.includes('\\')) {
    decoded = decoded
      .replace(byteRun, (run) => bytes(run.replace(/\\x/gi, '')))
      .replace(escape, (_, u?: string, braced?: string) => String.fromCodePoint(parseInt(u ?? braced ?? '0', 16)));
  }
  return decoded;
}

function bytes(hex: string): string {
  const buffer = Buffer.from(hex, 'hex');
  const text = buffer.toString('utf8');
  return text.includes('\uFFFD') ? buffer.toString('latin1') : text;
}

/** What runs of hexadecimal digits say; digests and ids give no readable text. */
function hexContents(text: string): string[] {
  const runs = (text.match(hexRun) ?? []).slice(0, maxRuns);
  return runs.map((run) => Buffer.from(run.replace(/^0x/i, ''), 'hex').toString('utf8')).filter(isReadable);
}

/** What the base64 runs in a text say; runs that give no readable text are words of a language. */
function base64Contents(text: string): string[] {
  const runs = (text.match(base64Run) ?? []).slice(0, maxRuns);
  const parts = runs.flatMap((run) =>
    run.includes('/') ? [run, ...run.split('/').filter((p) => p.length >= 8)] : [run],
  );
  return parts.flatMap((run) => {
    const content = Buffer.from(run, 'base64').toString('utf8');
    return content.length >= 4 && isReadable(content) ? [content] : [];
  });
}

function isReadable(text: string): boolean {
  return !/[\uFFFD\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]/.test(text);
}

/** The decoded text, then what base64 runs in it hold, two levels deep; letters keep their case. */
export function expand(text: string): string[] {
  const first = decode(text);
  const second = [...base64Contents(first), ...hexContents(first)].map(decode);
  const third = second.flatMap((t) => [...base64Contents(t), ...hexContents(t)]).map(decode);
  return [...new Set([first, ...second, ...third])].slice(0, maxRuns);
}

/** Every reading of a decoded text, normalised; the first is the one in which comments and look-alikes are gone. */
export function normalise(text: string): string[] {
  const composed = asciiOnly.test(text) ? text : text.normalize('NFKC');
  // A NUL cuts paths short in some runtimes: it stays visible, as its symbol.
  const visible = composed
    .replaceAll('\u0000', '\u2400')
    .replace(tagCharacter, (c) => String.fromCharCode((c.codePointAt(0) ?? 0) - 0xe0000));
  const readings = new Set<string>();
  for (const spaced of distinct(visible.replace(invisible, ' '), visible.replace(invisible, ''))) {
    for (const bare of withoutComments(spaced)) {
      const joined = joinSpacedLetters(bare);
      for (const reading of distinct(fold(joined), joined)) readings.add(collapse(reading));
    }
  }
  const first = [...readings][0] ?? '';
  if (first.includes('+') && !first.includes(' ')) readings.add(first.replaceAll('+', ' '));
  return [...readings];
}

function distinct(a: string, b: string): string[] {
  return a === b ? [a] : [a, b];
}

function collapse(text: string): string {
  return text.toLowerCase().replace(/\s+/g, ' ').trim();
}

/** Removed, replaced by a space, and with only the markers gone: databases run what stands in a versioned comment. */
function withoutComments(text: string): string[] {
  if (!text.includes('/*')) return [text];
  const readings = [stripComments(text, ''), stripComments(text, ' ')];
  if (text.includes('/*!')) readings.push(text.replace(/\/\*!\d{0,5}|\*\//g, ' '));
  return readings;
}

function stripComments(text: string, instead: string): string {
  let out = '';
  let at = 0;
  for (;;) {
    const start = text.indexOf('/*', at);
    const end = start < 0 ? -1 : text.indexOf('*/', start + 2);
    if (end < 0) return out + text.slice(at);
    out += text.slice(at, start) + instead;
    at = end + 2;
  }
}

/** `i g n o r e` is a word: four or more single letters in a row are joined. */
function joinSpacedLetters(text: string): string {
  return text.replace(/(?<!\S)\p{L}(?: \p{L}){3,}(?!\S)/gu, (run) => run.replaceAll(' ', ''));
}

function fold(text: string): string {
  if (asciiOnly.test(text)) return text;
  let out = '';
  for (const c of text) out += foldTable.get(c) ?? c;
  // Accents fold too: their base letters stand in the patterns.
  return out.normalize('NFD').replace(/[\u0300-\u036F]/g, '');
}
