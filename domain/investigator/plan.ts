import type { InvestigationMode } from '../investigation';

/** What an investigation of a transaction may look at, in the order of the rules, and why. */
export const looks = {
  transaction: 'what is known of the payment itself',
  customer_history: 'whether amount, pace and terminal are usual for the customer',
  terminal_history: 'whether the terminal has disputes or unusual payments of late',
  neighbours: 'whether others who paid there, or this customer elsewhere, have disputes',
} as const;
export type Look = keyof typeof looks;
const all = Object.keys(looks) as Look[];

/** What has to be looked at in any case; no planner may look at less. */
const least: Record<InvestigationMode, readonly Look[]> = {
  quick: ['transaction', 'customer_history', 'terminal_history'],
  full: ['transaction', 'customer_history', 'terminal_history', 'neighbours'],
};

export const planOf = (mode: InvestigationMode): readonly Look[] => least[mode];

export const isLook = (tool: string): tool is Look => (all as string[]).includes(tool);

/**
 * A plan as a planner wants it: its order, without repeats, and at its end what it left out and has to be looked at.
 * Null when it names what cannot be looked at.
 */
export function planFrom(tools: readonly string[], mode: InvestigationMode): readonly Look[] | null {
  const wanted = [...new Set(tools)];
  if (!wanted.every(isLook)) return null;
  return [...wanted, ...least[mode].filter((look) => !wanted.includes(look))];
}
