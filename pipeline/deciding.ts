import type { Facts } from '../db/executions';
import type { StageTime } from './call';
import type { Deadline } from './deadline';
import type { Stage, StageDeps, State, Stop } from './stages';

/** Of a call whose facts were not read in time: nothing that any stage would let through. */
export const unknownFacts: Facts = {
  taken: false, killSwitch: null, suspended: false, fence: null, agentStatus: null, agentName: null, agentVersion: null, restriction: null, ticketNumber: null, grants: [],
  denials: 0, bulkDenials: 0, weights: null, policies: [],
  habits: { calls: 0, ageHours: 0, perHour: 0, thisHour: 0, atThisTime: 0, ofTool: 0, recent: [], others: [] },
}; // prettier-ignore

const tooLate: Stop = {
  decision: 'error',
  reasons: [{ code: 'decision_timeout', message: 'the call was not decided in time, and not carried out' }],
};

/** Asks stage after stage until one stops the call, or time is up; without stages it is up. Null: nothing speaks against it. */
export async function decide(
  stages: readonly Stage[],
  state: State,
  deps: StageDeps,
  deadline: Deadline,
): Promise<{ stop: Stop | null; ms: StageTime[] }> {
  const ms: StageTime[] = [];
  for (const { name, run } of stages) {
    const from = performance.now();
    const stop = await deadline.race(run(state, deps));
    const said = deadline.over() ? tooLate : stop;
    ms.push({ stage: name, ms: performance.now() - from, outcome: said?.decision ?? 'pass' });
    if (said) return { stop: said, ms };
  }
  return { stop: stages.length ? null : tooLate, ms };
}
