import { plain, termsOf } from './terms';

const longest = 160;

/** Runs of anything but letters and digits become one hyphen. */
export const slug = (text: string): string =>
  plain(text)
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');

/**
 * Kinds of work that have a name, in the order in which they are tried. A word counts where a word of the text begins
 * with it; one of up to four letters must be the whole word, or `iam` would be found in every William.
 */
const families: readonly { family: string; words: readonly string[] }[] = [
  {
    family: 'phishing',
    words: ['phish', 'credential harvest', 'suspicious email', 'report phish', 'email security'],
  },
  { family: 'edr-sysmon', words: ['sysmon', 'edr', 'wazuh alert', 'endpoint detection', 'windows event'] },
  {
    family: 'cicd-security',
    words: ['ci/cd', 'cicd', 'semgrep', 'trivy', 'owasp zap', 'nuclei', 'security gate'],
  },
  {
    family: 'access-request',
    words: ['access request', 'permission', 'grant access', 'account access', 'iam'],
  },
  { family: 'service-intake', words: ['intake', 'service desk', 'user request', 'raci'] },
  { family: 'setup-integration', words: ['setup', 'integration', 'installer', 'deploy'] },
  {
    family: 'false-positive-tuning',
    words: ['false positive', 'suppression', 'training url', 'tuning'],
  },
];

const patterns = families.map(({ family, words }) => ({
  family,
  pattern: new RegExp(words.map((w) => `(?<![a-z0-9])${w}${w.length > 4 ? '' : '(?![a-z0-9])'}`).join('|')),
}));

/** The first family that one of its words names, or null. */
export function namedFamily(text: string): string | null {
  const read = plain(text).replace(/[\s_-]+/g, ' ');
  return patterns.find(({ pattern }) => pattern.test(read))?.family ?? null;
}

/**
 * A named family; else up to four words of the first text that says something, and of no other: lessons of two tickets
 * with one title are one lesson, however they are told. `general` when no text says anything.
 */
export function familyOf(texts: readonly string[]): string {
  const words = (text: string): string => slug(termsOf(text).map(slug).filter(Boolean).slice(0, 4).join('-'));
  return namedFamily(texts.join('\n')) ?? (texts.map(words).find(Boolean) || 'general');
}

export interface KeySource {
  /** A key that somebody chose: it counts, each side slugged. */
  explicit: string | null;
  ticketClass: string | null;
  /** What tells the family, most telling first. */
  texts: readonly string[];
}

const cut = (key: string): string => key.slice(0, longest).replace(/[-:]$/, '');

/** What a learned workflow is known by: the chosen key, else `<class or global>:<family>`. */
export function workflowKey({ explicit, ticketClass, texts }: KeySource): string {
  const chosen = (explicit ?? '').split(':');
  const right = slug(chosen.slice(1).join(' '));
  const left = slug(chosen[0] ?? '');
  if (right) return cut(`${left || 'global'}:${right}`);
  if (left) return cut(left);
  return cut(`${slug(ticketClass ?? '') || 'global'}:${familyOf(texts)}`);
}

/** The key that a text states in a line of its own, `Workflow key: <class>:<family>`, where a reviewer can change it. */
export const statedKey = (text: string): string | null =>
  /^workflow[ _]key:[ \t]*(\S{1,200})[ \t]*$/im.exec(text)?.[1] ?? null;

/** What kind of trouble a log is full of: `auth.failed_password` and its like, by what happens most. Null without any. */
export function signalFamily(signals: readonly { id: string; events: number }[]): string | null {
  const events = new Map<string, number>();
  for (const signal of signals) {
    const area = slug(signal.id.split('.')[0] ?? '');
    if (area) events.set(area, (events.get(area) ?? 0) + signal.events);
  }
  const [most] = [...events].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return most ? `${most[0]}-failures` : null;
}
