// How figures are written, by the server in the page's head and by its script in the rest.

const units = [
  { ms: 86_400_000, name: 'd' },
  { ms: 3_600_000, name: 'h' },
  { ms: 60_000, name: 'min' },
  { ms: 1000, name: 's' },
] as const;

/** Three digits: `0.42 ms`, `12.3 ms`, `1.24 s`, `2.1 h`. */
export function duration(ms: number): string {
  const unit = units.find((u) => ms >= u.ms * 0.9995) ?? { ms: 1, name: 'ms' };
  const value = ms / unit.ms;
  if (!Number.isFinite(value)) return '–';
  return `${value === 0 ? '0' : value.toFixed(value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2)} ${unit.name}`;
}

/** Of a text, in characters as a reader counts them roughly: `840`, `12.4 k`, `3.1 M`. */
export function length(characters: number): string {
  if (characters < 1000) return `${characters}`;
  return characters < 1e6 ? `${(characters / 1000).toFixed(1)} k` : `${(characters / 1e6).toFixed(1)} M`;
}

export const count = (n: number): string => n.toLocaleString('en');

export const percent = (fraction: number): string => `${Math.round(fraction * 100)} %`;

/** `2026-01-31 12:00:07.123 UTC`; what is no date stays as it is. */
export function moment(iso: string): string {
  const ms = Date.parse(iso);
  return Number.isNaN(ms) ? iso : `${new Date(ms).toISOString().slice(0, 23).replace('T', ' ')} UTC`;
}

/** From a fixed set, whatever the word is: it becomes a class. */
export type Tone = 'good' | 'warm' | 'bad' | 'plain';
const tones: Record<string, Tone> = {
  COMPLETED: 'good',
  ACKNOWLEDGED: 'good',
  ok: 'good',
  MEDIUM: 'warm',
  HIGH: 'warm',
  TIMED_OUT: 'warm',
  INTERRUPTED: 'warm',
  refused: 'warm',
  CRITICAL: 'bad',
  FAILED: 'bad',
  failed: 'bad',
};
export const toneOf = (word: string): Tone => (Object.hasOwn(tones, word) ? (tones[word] ?? 'plain') : 'plain');
