import { setTimeout as delay } from 'node:timers/promises';
import { callsUnderWay, runsUnderWay, type CallUnderWay, type RunUnderWay } from '../../../db/containment';
import type { Ctx } from '../../kernel';

/** What was under way has so long to be recorded; every new effect is refused from the switch's commit on. */
const patienceMs = 1_000;
const lookMs = 50;

/** Why nobody can say that nothing of a run happens any more; null: it has stopped, and its next call is refused. */
function doubt({ calling, process, elsewhere }: RunUnderWay): string | null {
  if (calling) return outsideCall;
  if (process) return 'its command runs on a machine: what that does by itself passes no stage here';
  return elsewhere ? 'an agent elsewhere holds its task: what that does by itself passes no stage here' : null;
}

const outsideCall = 'a call of an outside tool was begun and has not ended';
const callView = ({ id, agentId, tool, begunAt, calling }: CallUnderWay) => ({
  call_id: id,
  agent_id: agentId,
  tool,
  begun_at: new Date(begunAt).toISOString(),
  state: calling ? ('unconfirmed' as const) : ('stopped' as const),
  why: calling ? outsideCall : null,
});

/** Which runs and calls have stopped, once those that were in the middle of a call have ended it, or after a second. */
export async function containment(ctx: Ctx) {
  const until = performance.now() + patienceMs;
  const look = (known: readonly string[]) =>
    ctx.read(async (tx) => ({ runs: await runsUnderWay(tx), calls: await callsUnderWay(tx, known) }));
  let seen = await look([]);
  const known = seen.calls.map((c) => c.id);
  while ([...seen.runs, ...seen.calls].some((r) => r.calling) && performance.now() < until) {
    await delay(lookMs);
    seen = await look(known);
  }
  const runs = seen.runs.map((r) => {
    const why = doubt(r);
    return {
      run_id: r.id, agent_id: r.number, agent: r.agent, ticket_id: r.ticket, why,
      state: why === null ? ('stopped' as const) : ('unconfirmed' as const),
    }; // prettier-ignore
  });
  const calls = seen.calls.map(callView);
  const unconfirmed = [...runs, ...calls].filter((r) => r.why !== null).length;
  return { runs, calls, stopped: runs.length + calls.length - unconfirmed, unconfirmed };
}
