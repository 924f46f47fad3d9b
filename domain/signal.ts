/** expired: its time was over before anybody acted on it; its row says so once the sweep has come by. */
export const signalStatuses = ['pending', 'actioned', 'expired'] as const;
export type SignalStatus = (typeof signalStatuses)[number];

/** What one agent tells another. */
export interface Signal {
  id: string;
  tenantId: string;
  /** A name; who bears it may be registered, or come to be. */
  forAgent: string;
  createdBy: string;
  /** What kind of thing is told. */
  signal: string;
  /** Whatever JSON goes with it. */
  detail: unknown;
  status: SignalStatus;
  expiresAt: string | null;
  createdAt: string;
  actionedBy: string | null;
  actionedAt: string | null;
  result: unknown;
}

/** As much of a signal as an agent is told. */
const mostChars = 2_400;

/** The words in which a run hears of it. */
export function signalText({ signal, detail }: Pick<Signal, 'signal' | 'detail'>): string {
  const more = detail === null ? '' : typeof detail === 'string' ? `: ${detail}` : `: ${JSON.stringify(detail)}`;
  return `${signal}${more}`.slice(0, mostChars).toWellFormed();
}
