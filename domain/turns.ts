/** Which of the runs that wait may begin: as many as their tenant, their profiles and their agents let work at once, the most urgent first. */

export interface Waiting {
  id: string;
  profileId: string | null;
  agentId: string;
  /** The lower, the earlier (`turnRank`). */
  rank: number;
  /** Those of one rank begin in the order in which they were spawned. */
  number: number;
}
export interface Limits {
  total: number;
  /** By profile; one without a limit of its own is not there. */
  profiles: ReadonlyMap<string, number>;
  /** By agent: how many more may begin. One without a limit of its own is not there. */
  agents: ReadonlyMap<string, number>;
}

/**
 * @param working how many work now, by profile (null: without one); a run that waits for people is not among them
 * @returns ids, in the order of their turns. One whose profile or agent is full lets others pass.
 */
export function whoseTurn(
  waiting: readonly Waiting[],
  working: ReadonlyMap<string | null, number>,
  limits: Limits,
): string[] {
  const at = new Map(working);
  const room = new Map(limits.agents);
  let free = limits.total - [...at.values()].reduce((sum, n) => sum + n, 0);
  const begin: string[] = [];
  for (const run of [...waiting].sort((a, b) => a.rank - b.rank || a.number - b.number)) {
    if (free <= 0) break;
    const now = at.get(run.profileId) ?? 0;
    const most = run.profileId === null ? undefined : limits.profiles.get(run.profileId);
    if (most !== undefined && now >= most) continue;
    const left = room.get(run.agentId) ?? Infinity;
    if (left <= 0) continue;
    room.set(run.agentId, left - 1);
    at.set(run.profileId, now + 1);
    free -= 1;
    begin.push(run.id);
  }
  return begin;
}
