import { leftOver } from '../../../db/agent-processes';
import type { AgentProcess } from '../../../domain/agent-process';
import { askToEnd, endLost, giveUp, standingOf } from '../../../runner/launch';
import type { Deps } from '../../deps';
import { writeEnd } from './conclude';
import { marginMs } from './elsewhere';

/** An attendant has been heard of since, or it is dead. */
const unheardSeconds = 15;
const most = 100;

type Around = Pick<Deps, 'store' | 'agents' | 'logger'>;

const stopped = { is: 'stopped', why: 'its run is over' } as const;

/** Ends what runs on this machine for a run that is over and that nobody attends to. Answers whether it is over now. */
async function endHere({ store, agents, logger }: Around, p: AgentProcess): Promise<boolean> {
  const standing = standingOf(p.stateDir);
  if (standing.is === 'running') {
    logger.warn({ process: p.id, pid: p.pid }, 'a command of a run that is over: it is ended');
    askToEnd(standing.started);
    return false; // its supervisor says when
  }
  if (standing.is === 'starting' || (standing.is === 'absent' && !giveUp(p.stateDir))) return false;
  if (standing.is === 'lost') await endLost(p.id, standing.leader, agents.graceMs);
  const exit = standing.is === 'ended' ? standing.exit : null;
  const reason = standing.is === 'lost' ? standing.why : exit ? null : 'its supervisor did not begin';
  await store.write(p.tenantId, (tx) => writeEnd(tx, p, stopped, { exit, reason, tail: null }));
  return true;
} // prettier-ignore

/** Of one tenant, on this machine. */
export async function endLeftOver(around: Around, tenantId: string, place: string): Promise<number> {
  const found = await around.store.read(tenantId, (tx) => leftOver(tx, unheardSeconds, place, most));
  let ended = 0;
  for (const p of found) if (await endHere(around, p)) ended += 1;
  return ended;
}

/** Of one tenant, wherever: by now their supervisors have ended them, or their machines are gone. */
export async function forgetLost({ store, agents }: Around, tenantId: string): Promise<number> {
  const seconds = (agents.unattendedMs + agents.graceMs + marginMs) / 1000;
  const found = await store.read(tenantId, (tx) => leftOver(tx, seconds, null, most));
  for (const p of found)
    await store.write(tenantId, (tx) =>
      writeEnd(tx, p, stopped, { exit: null, reason: `nobody has heard of it on ${p.host}`, tail: null }),
    );
  return found.length;
}
