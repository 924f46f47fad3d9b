/** The longest excerpt of a line that a result shows. */
export const EXCERPT = 300;

/** Control characters (tabs are text), format characters such as bidi overrides, and what a decoder could not read. */
const UNPRINTABLE = /[^\P{C}\t]|\uFFFD/gu;
/** Built from numbers: the characters themselves have no place in a source. Tab and escape are not among them. */
const UNREADABLE = new RegExp(
  `[${[
    [0, 8],
    [10, 26],
    [28, 31],
    [0xfffd, 0xfffd],
  ]
    .map((range) => range.map((code) => String.fromCharCode(code)).join('-'))
    .join('')}]`,
);

/** Whether a line holds control characters, or the mark that a decoder leaves for bytes that are no text. */
export function isUnreadable(line: string): boolean {
  return UNREADABLE.test(line);
}

/** A line as it may be shown: what can't be printed is a dot, and it is cut at `max` characters. */
export function excerpt(line: string, max = EXCERPT): string {
  const cut = line.length > max ? `${line.slice(0, max)}…` : line;
  return detach(cut.replace(UNPRINTABLE, '·'));
}

/**
 * A copy that owns its characters. A slice of a line keeps the whole chunk of the file alive that the line came from;
 * what is kept for long must not.
 */
export function detach(text: string): string {
  return text.length < 13 ? text : (JSON.parse(JSON.stringify(text)) as string);
}

/** A number that JSON can carry, with at most `digits` decimals. */
export function round(value: number, digits = 3): number {
  const factor = 10 ** digits;
  return Number.isFinite(value) ? Math.round(value * factor) / factor : 0;
}

/** At most a tenth of the line can't be read, and none of it is NUL: a text in another encoding, not a binary. */
export function mostlyText(line: string): boolean {
  if (line.includes('\0')) return false;
  return (line.match(UNPRINTABLE)?.length ?? 0) * 10 <= line.length;
}

const ESCAPE = String.fromCharCode(27);
const COLOURS = new RegExp(`${ESCAPE}\\[[\\d;]*[A-Za-z]`, 'g');

/** Without the escape sequences that colour a terminal. */
export function withoutEscapes(line: string): string {
  return line.includes(ESCAPE) ? line.replace(COLOURS, '') : line;
}
