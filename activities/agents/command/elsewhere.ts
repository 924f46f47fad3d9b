import { ApplicationFailure } from '@temporalio/activity';
import { launchOf } from '../../../db/agent-processes';
import type { AgentProcess, CommandOutcome } from '../../../domain/agent-process';
import type { Checkpoint } from '../../../runner/checkpoint';
import { outcomeOf } from '../../../runner/outcome';
import type { Read } from '../../../db/tx';
import type { Deps } from '../../deps';
import { limitWords, writeEnd } from './conclude';

/** Beyond the time after which a supervisor ends what nobody attends to: for its grace, and for a row that came late. */
export const marginMs = 20_000;

/** What this launch said last: an earlier one of the run waited for something that is over. */
export async function lastCheckpoint(tx: Read, p: Pick<AgentProcess, 'id' | 'runId'>): Promise<Checkpoint | null> {
  const { rows } = await tx.query<{ step: string; status: string; output: string | null; progress: number }>(
    `select step, status, output, progress from run_checkpoints
     where run_id = $1 and at >= (select launched_at from agent_processes where id = $2) order by at desc, number desc limit 1`,
    [p.runId, p.id],
  );
  return rows[0] ?? null;
}

/** How long nobody has attended to it, by the database's clock. */
const silentMs = async (tx: Read, id: string): Promise<number> =>
  (
    await tx.query<{ ms: number }>(
      'select (extract(epoch from now() - attended_at) * 1000)::float8 as ms from agent_processes where id = $1',
      [id],
    )
  ).rows[0]?.ms ?? 0;

/**
 * A command on another machine, or of another boot of this one. Its own workers come to it; when none has for so long that
 * its supervisor has ended it, it is over: by what it said last, it is done, waits or failed.
 * @throws ApplicationFailure until then: somebody else may be asked
 */
export async function elsewhere({ store, agents }: Deps, process: AgentProcess): Promise<CommandOutcome | null> {
  return store.write(process.tenantId, async (tx) => {
    const left = agents.unattendedMs + agents.graceMs + marginMs - (await silentMs(tx, process.id));
    if (left > 0)
      throw ApplicationFailure.create({
        message: `its command is on ${process.host}`,
        type: 'Elsewhere',
        nextRetryDelay: Math.min(left, 2_000),
      });
    const lost = `its machine ${process.host} is gone, or was started again`;
    const outcome = outcomeOf(
      { exit: null, lost, because: null, checkpoint: await lastCheckpoint(tx, process), text: process.said, saidFailed: process.saidFailed, tail: process.tail },
      limitWords(agents, agents.timeoutMinutes),
      agents.retryMs,
    ); // prettier-ignore
    if (await writeEnd(tx, process, outcome, { exit: null, reason: lost, tail: null })) return outcome;
    return (await launchOf(tx, process.runId, process.launch))?.outcome ?? null;
  });
}
