import type { Habits } from '../../db/habits';
import type { RiskScores } from './risk';
import { SIGNALS, type Response, type SignalId } from './signals';

/** A call against the habits of its agent. Nothing is kept here: whoever has the same rows comes to the same. */

export interface Behavior {
  scores: Pick<RiskScores, 'behavior' | 'anomaly'>;
  signals: { id: SignalId; response: Response; evidence: string }[];
}

/** Before an agent has done so much, for so long, there is no habit to be far from. */
const grown = { calls: 100, ageHours: 24 };
/** So many times its usual number of calls an hour is a rush, from so many calls on. */
const rush = { times: 5, calls: 60 };
/** A time of the day at which less than one of so many calls was made is an odd one. */
const oddOneOf = 200;

/** Steps of an attack, by what screening names them. */
const phases = {
  access:
    'cloud_credential_path ssh_credential_path system_sensitive_path secret_store_access secret_disclosure_request path_traversal ssrf_cloud_metadata',
  collection:
    'compression_for_exfil compression_observed bulk_pii_egress_above_threshold bulk_pii_egress_dump personal_data_request personal_data_in_result',
  carrying:
    'known_exfil_destination data_upload external_pii_exfil external_post_pii_unknown_dest dns_tunnelling suspicious_destination',
} as const;
const inPhase = (phase: keyof typeof phases, findings: readonly string[]): boolean =>
  findings.some((f) => phases[phase].split(' ').includes(f));

export function assessBehavior(habits: Habits, tool: string, findings: readonly string[]): Behavior {
  const odd: string[] = [];
  const isGrown = habits.calls >= grown.calls && habits.ageHours >= grown.ageHours;
  if (isGrown && habits.ofTool === 0) odd.push(`it never called ${tool} in ${habits.calls} calls`);
  if (isGrown && habits.atThisTime * oddOneOf < habits.calls)
    odd.push(`${habits.atThisTime} of its ${habits.calls} calls were made at this hour of the day`);
  if (isGrown && habits.thisHour >= Math.max(rush.calls, rush.times * habits.perHour))
    odd.push(`${habits.thisHour} calls in this hour, ${habits.perHour.toFixed(1)} are usual`);
  const signals: Behavior['signals'] = [];
  const add = (id: SignalId, evidence: string): void =>
    void signals.push({ id, response: SIGNALS[id].response, evidence });
  // One thing that is new happens to everybody; two at once are worth a person's look.
  if (odd.length >= 2) add('behavior_baseline_drift', odd.join('; '));
  const before = habits.recent.flat();
  if (inPhase('carrying', findings) && inPhase('access', before) && inPhase('collection', before))
    add('attack_chain_match', 'credentials, then data, then a way out, within an hour');
  else if (inPhase('carrying', findings)) {
    const all = [...before, ...habits.others.flat()];
    // The same steps, shared out: one agent of the ticket finds the key, another the data, and this one the way out.
    if (inPhase('access', all) && inPhase('collection', all))
      add('cross_agent_kill_chain', 'credentials, data and a way out by several agents of one ticket, within an hour');
  }
  const heaviest = Math.max(0, ...signals.map((s) => SIGNALS[s.id].score)) / 100;
  return { scores: { behavior: heaviest, anomaly: Math.min(0.6, odd.length * 0.3) }, signals };
}
