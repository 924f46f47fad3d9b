import type { Command } from 'commander';
import { print } from './print';

export const shells = ['bash', 'zsh', 'fish'] as const;

interface Known {
  /** Commands before it, with spaces; the program itself is ''. */
  path: string;
  words: { word: string; says: string }[];
}

/** What may follow each command: its own commands, and its options. */
function knownOf(command: Command, path: string[] = []): Known[] {
  const children = command.commands.filter((c) => c.name() !== 'help');
  const options = command.options.map((o) => ({ word: o.long ?? o.short ?? '', says: o.description }));
  const words = [...children.map((c) => ({ word: c.name(), says: c.description() })), ...options, { word: '--help', says: 'what it takes' }];
  return [{ path: path.join(' '), words }, ...children.flatMap((c) => knownOf(c, [...path, c.name()]))];
} // prettier-ignore

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** In zsh through its own emulation of bash's completion. */
function bash(known: Known[]): string {
  const cases = known.map(({ path, words }) => `    ${quoted(path)}) words=${quoted(words.map((w) => w.word).join(' '))} ;;`);
  const paths = known.map(({ path }) => quoted(path)).join(' | ');
  return [
    '_wheelhouse() {',
    '  local current="${COMP_WORDS[COMP_CWORD]}" path="" words="" next i',
    '  for ((i = 1; i < COMP_CWORD; i++)); do',
    '    next="${path:+$path }${COMP_WORDS[i]}"',
    `    case "$next" in ${paths}) path="$next" ;; esac`,
    '  done',
    '  case "$path" in',
    ...cases,
    '  esac',
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    '}',
    'complete -o default -F _wheelhouse wheelhouse',
  ].join('\n');
} // prettier-ignore

function fish(known: Known[]): string {
  const lines = known.flatMap(({ path, words }) => {
    const test = path === '' ? '__fish_use_subcommand' : path.split(' ').map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ');
    return words.map(({ word, says }) =>
      word.startsWith('--')
        ? `complete -c wheelhouse -n ${quoted(test)} -l ${word.slice(2)} -d ${quoted(says)}`
        : `complete -c wheelhouse -n ${quoted(test)} -f -a ${word} -d ${quoted(says)}`,
    );
  });
  return lines.join('\n');
} // prettier-ignore

/** A script for the shell, made of the commands that there are. */
export function completion(program: Command, shell: (typeof shells)[number]): void {
  const known = knownOf(program);
  if (shell === 'fish') print(fish(known));
  else print(shell === 'zsh' ? `autoload -U +X bashcompinit && bashcompinit\n${bash(known)}` : bash(known));
}
