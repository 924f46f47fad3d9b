/** When an agent is kept from everything by itself, and for how long: the published numbers. */
export const quarantine = {
  /** Refusals of one tool in five minutes that are still too few. */
  refusals: 50,
  /** Refusals for data about many people at once that are enough. */
  bulk: 3,
  minutes: 5,
  hours: 24,
} as const;

/** What screening calls such data. */
export const bulkFindings = ['bulk_pii_egress_dump', 'bulk_pii_egress_above_threshold'] as const;

/**
 * Reasons of refusals that do not count: what came of earlier refusals, of what people decided about everybody or about this
 * agent, and of trouble. Who is refused for those would be for ever, or for what others did.
 */
export const notCounted = [
  'anomalous_behavior_detected', 'agent_quarantined', 'agent_not_active', 'kill_switch_engaged', 'run_fenced', 'policy_unavailable',
  'tenant_suspended',
] as const; // prettier-ignore

/** Why an agent with so many refusals in the last minutes is to be kept from everything; null: it is not. */
export function whyQuarantined(refusals: number, tool: string, bulk: number): string | null {
  if (refusals > quarantine.refusals) return `${refusals} refused calls of ${tool} in ${quarantine.minutes} minutes`;
  if (bulk < quarantine.bulk) return null;
  return `${bulk} calls refused for data about many people in ${quarantine.minutes} minutes`;
}
