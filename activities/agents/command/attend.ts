import { setTimeout as delay } from 'node:timers/promises';
import { ApplicationFailure, Context } from '@temporalio/activity';
import { launchOf, markStarted } from '../../../db/agent-processes';
import { isElsewhere } from '../../../db/harness-reports';
import { standingOf as aroundRun } from '../../../db/run-queries';
import { runs } from '../../../db/runs';
import type { AgentProcess, CommandOutcome } from '../../../domain/agent-process';
import { isEnded } from '../../../domain/run';
import { NotHere } from '../../../runner/commands';
import { askToEnd, attend as touch, endLost, standingOf, type Standing } from '../../../runner/launch';
import { isDone, outcomeOf, waitOf } from '../../../runner/outcome';
import type { Deps } from '../../deps';
import { heartbeating } from '../../heartbeating';
import { beginning, type Wanted } from './begin';
import { limitWords, writeEnd } from './conclude';
import { elsewhere } from './elsewhere';
import { here } from './here';
import { matterOf, type Matter } from './told';
import { Watched } from './watch';

export interface Attend extends Partial<Wanted> {
  tenantId: string;
  runId: string;
  /** Which launch of the run's command: from 1. Asked for again, the same is attended to, or its outcome told. */
  launch: number;
}
/** Null: the run is over, whatever its command did. */
export type Attended = CommandOutcome | null;

const lookMs = 200;
const askMs = 1_000;
const tellMs = 2_000;
/** A supervisor that has not said anything by then has not begun. */
const beginMs = 15_000;
/** A command that says it is done has this long to end by itself. */
const doneMs = 20_000;

/** True once in so many milliseconds, the first time included. */
const every = (ms: number): (() => boolean) => {
  let next = 0;
  return () => {
    const now = performance.now();
    if (now < next) return false;
    next = now + ms;
    return true;
  };
};

/** Another worker goes on with it: this one ends, or was too slow to say that it lives. */
const handOver = (why: string): ApplicationFailure =>
  ApplicationFailure.create({ message: why, type: 'HandedOver', nextRetryDelay: '500 milliseconds' });

export const commandActivities = (deps: Deps) => {
  const { store, agents } = deps;
  const { writeDown, start } = beginning(deps);

  /** The launch as it stands; written down now when it is new. Null: the run is over. */
  const found = async (input: Attend): Promise<{ process: AgentProcess; matter: Matter } | null> => {
    const { matter, stands, fence } = await store.read(input.tenantId, async (tx) => ({
      matter: await matterOf(tx, input.runId),
      stands: await launchOf(tx, input.runId, input.launch),
      fence: (await aroundRun(tx, input.runId)).fence,
    }));
    if (stands) return { process: stands, matter };
    if (fence !== null || isEnded(matter.run)) return null;
    return { process: await writeDown(matter, input.launch), matter };
  };

  /** The command is not on this machine: another worker's turn, where there is one that has it. */
  const missing = async ({ tenantId, runId }: Attend, e: unknown): Promise<CommandOutcome> => {
    if (!(e instanceof NotHere)) throw e;
    const run = await store.read(tenantId, (tx) => runs.byId(tx, runId));
    if (await isElsewhere(store.pool, run?.harness ?? '', here().place)) throw handOver(e.message);
    return { is: 'failed', error: `the command could not be run: ${e.message}` };
  };

  /** Why the command is to end, as the rows have it; and whether people have said something. */
  const ask = ({ tenantId, runId }: Attend) =>
    store.read(tenantId, async (tx) => {
      const [run, around] = await Promise.all([runs.byId(tx, runId), aroundRun(tx, runId)]);
      return { over: !run || isEnded(run) || around.fence !== null, said: around.said };
    });

  const conclude = async (
    { process, matter }: { process: AgentProcess; matter: Matter },
    watched: Watched,
    standing: Extract<Standing, { is: 'ended' | 'lost' | 'absent' | 'starting' }>,
    minutes: number,
  ): Promise<Attended> => {
    if (standing.is === 'lost') await endLost(process.id, standing.leader, agents.graceMs);
    watched.read();
    const exit = standing.is === 'ended' ? standing.exit : null;
    const lost = exit ? null : standing.is === 'lost' ? 'its supervisor was killed' : 'its supervisor did not begin';
    const tail = watched.tail();
    const checkpoint = await watched.checkpoint();
    const outcome = outcomeOf(
      { exit, lost, checkpoint, tail, ...watched.result },
      limitWords(agents, minutes),
      agents.retryMs,
    );
    return store.write(process.tenantId, async (tx) => {
      if (await writeEnd(tx, process, outcome, { exit, reason: lost, tail })) return outcome;
      return (await launchOf(tx, matter.run.id, process.launch))?.outcome ?? outcome;
    });
  };

  const stay = async (input: Attend, signal: AbortSignal): Promise<Attended> => {
    const it = await found(input).catch((e: unknown) => missing(input, e));
    if (!it) return null;
    if ('is' in it) return it;
    const { process, matter } = it;
    if (process.endedAt !== null) return process.outcome;
    if (process.place !== here().place) return elsewhere(deps, process);
    const minutes = input.timeoutMinutes ?? agents.timeoutMinutes;
    const watched = new Watched(deps, process, matter);
    const [timeToAsk, timeToTell] = [every(askMs), every(tellMs)];
    const since = performance.now();
    let [handed, known, ending, doneAt] = [false, false, false, Infinity];
    for (;;) {
      const standing = standingOf(process.stateDir);
      if (standing.is === 'ended' || standing.is === 'lost') return conclude(it, watched, standing, minutes);
      if (standing.is === 'absent' && !handed) {
        handed = true;
        await start(matter, process, { model: input.model ?? null, timeoutMinutes: minutes, effort: input.effort ?? null, fast: input.fast ?? false });
      } else if (standing.is !== 'running' && performance.now() - since > beginMs) {
        return conclude(it, watched, standing, minutes);
      } else if (standing.is === 'running') {
        const { leader } = standing.started;
        if (!known) {
          await store.write(process.tenantId, (tx) => markStarted(tx, process.id, leader));
          watched.began(leader);
          known = true;
        }
        watched.read();
        const checkpoint = await watched.checkpoint();
        if (checkpoint && isDone(checkpoint)) doneAt = Math.min(doneAt, performance.now());
        if ((checkpoint && waitOf(checkpoint)) || performance.now() - doneAt > doneMs) ending = true;
        if (signal.aborted && !ending) {
          const why = Context.current().cancellationDetails;
          if (!why?.cancelRequested && !why?.notFound) throw handOver('another worker attends to it');
          ending = true;
        }
        if (timeToAsk()) {
          const { over, said } = await ask(input);
          ending ||= over;
          if (said && !ending) await watched.deliver();
        }
        if (ending) askToEnd(standing.started);
        // The row first: whoever reads there that nobody attends may trust that its supervisor learns it no later.
        if (timeToTell()) {
          if (!(await watched.attend())) return (await store.read(input.tenantId, (tx) => launchOf(tx, input.runId, input.launch)))?.outcome ?? null;
          touch(process.stateDir);
        }
      }
      await delay(lookMs);
    }
  }; // prettier-ignore

  return {
    /**
     * Stays with the command of a run until it is over, and says what came of it. Whoever comes next after a crash finds the
     * same process, its log and its checkpoint.
     */
    attendCommand: (input: Attend): Promise<Attended> => heartbeating((signal) => stay(input, signal)),
  };
};
