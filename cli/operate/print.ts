import Table from 'cli-table3';

export const print = (line: string): void => void process.stdout.write(`${line}\n`);
/** One value a line, for programs. */
export const printJson = (value: unknown): void => print(JSON.stringify(value));

/** What servers, agents and tickets say may hold escapes that move a terminal's cursor or retitle its window. */
export const plain = (text: string): string =>
  text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '');
/** The same in one line of at most `most` characters. */
export const short = (value: unknown, most = 60): string => {
  const given = value ?? '–';
  const text = typeof given === 'string' ? given : JSON.stringify(given);
  const line = plain(text).replace(/\s+/g, ' ');
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
};
/** To the minute, in the caller's own zone. */
export const when = (at: string | null): string => {
  if (at === null) return '–';
  const d = new Date(at);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${two(d.getHours())}:${two(d.getMinutes())}`;
};

const bare = Object.fromEntries(
  ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right', 'left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid']
    .map((part) => [part, '']),
); // prettier-ignore

/** Columns under their names; nothing at all where there are no rows. */
export function printTable(names: readonly string[], rows: readonly (readonly string[])[]): void {
  const table = new Table({
    ...(names.length > 0 && { head: [...names] }),
    chars: { ...bare, middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
  });
  table.push(...rows.map((row) => [...row]));
  print(
    table
      .toString()
      .split('\n')
      .map((line) => line.trimEnd())
      .join('\n'),
  );
}
