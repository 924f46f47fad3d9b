import { setTimeout as delay } from 'node:timers/promises';
import { runsUnderWay, type RunUnderWay } from '../../../db/containment';
import type { Ctx } from '../../kernel';

/** What was under way has so long to be recorded; every new effect is refused from the switch's commit on. */
const patienceMs = 1_000;
const lookMs = 50;

/** Why nobody can say that nothing of a run happens any more; null: it has stopped, and its next call is refused. */
function doubt({ calling, process, elsewhere }: RunUnderWay): string | null {
  if (calling) return 'a call of an outside tool was begun and has not ended';
  if (process) return 'its command runs on a machine: what that does by itself passes no stage here';
  return elsewhere ? 'an agent elsewhere holds its task: what that does by itself passes no stage here' : null;
}

/** Which runs have stopped, once those that were in the middle of a call have ended it, or after a second. */
export async function containment(ctx: Ctx) {
  const until = performance.now() + patienceMs;
  let runs = await ctx.read(runsUnderWay);
  while (runs.some((r) => r.calling) && performance.now() < until) {
    await delay(lookMs);
    runs = await ctx.read(runsUnderWay);
  }
  const report = runs.map((r) => {
    const why = doubt(r);
    return {
      run_id: r.id, agent_id: r.number, agent: r.agent, ticket_id: r.ticket, why,
      state: why === null ? ('stopped' as const) : ('unconfirmed' as const),
    }; // prettier-ignore
  });
  const unconfirmed = report.filter((r) => r.why !== null).length;
  return { runs: report, stopped: report.length - unconfirmed, unconfirmed };
}
