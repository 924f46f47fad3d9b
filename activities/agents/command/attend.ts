import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { ApplicationFailure, Context } from '@temporalio/activity';
import { holdLaunch, launchOf, markStarted, sayWhyEnded } from '../../../db/agent-processes';
import { isElsewhere } from '../../../db/harness-reports';
import { standingOf as aroundRun } from '../../../db/run-queries';
import { runs } from '../../../db/runs';
import type { AgentProcess, CommandOutcome } from '../../../domain/agent-process';
import { isEnded } from '../../../domain/run';
import { storableText } from '../../../domain/storable';
import { NotForTenant } from '../../../runner/commands';
import {
  askToEnd, attend as touch, endLost, endSilent, giveUp, handedAt, standingOf, type Standing,
} from '../../../runner/launch'; // prettier-ignore
import { isDone, outcomeOf, waitOf } from '../../../runner/outcome';
import { NotHere } from '../../../runner/programs';
import type { Deps } from '../../deps';
import { heartbeating } from '../../heartbeating';
import { beginning, type Wanted } from './begin';
import { limitWords, noToolWords, writeEnd, type How } from './conclude';
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

interface Found {
  process: AgentProcess;
  matter: Matter;
}

const lookMs = 200;
const askMs = 1_000;
const tellMs = 2_000;
/** What could not be handed over by then, or has not said anything since it was, does not begin. */
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
  const found = async (input: Attend): Promise<Found | null> => {
    const { matter, stands, fence } = await store.read(input.tenantId, async (tx) => ({
      matter: await matterOf(tx, input.runId),
      stands: await launchOf(tx, input.runId, input.launch),
      fence: (await aroundRun(tx, input.runId)).fence,
    }));
    if (stands) return { process: stands, matter };
    if (fence !== null || isEnded(matter.run)) return null;
    return { process: await writeDown(matter, input.launch), matter };
  };

  /** The command is not on this machine: another worker's turn, where there is one that has it; or it is not for this tenant. */
  const missing = async ({ tenantId, runId }: Attend, e: unknown): Promise<CommandOutcome> => {
    if (e instanceof NotForTenant) return { is: 'failed', error: e.message };
    if (!(e instanceof NotHere)) throw e;
    const run = await store.read(tenantId, (tx) => runs.byId(tx, runId));
    if (await isElsewhere(store.pool, run?.harness ?? '', here().place)) throw handOver(e.message);
    return { is: 'failed', error: `the command could not be run: ${e.message}` };
  };

  /** As somebody else has written its end. */
  const otherEnd = async ({ tenantId, runId, launch }: Attend): Promise<Attended> =>
    (await store.read(tenantId, (tx) => launchOf(tx, runId, launch)))?.outcome ?? null;

  /** Why the command is to end, as the rows have it; and whether people have said something. */
  const ask = ({ tenantId, runId }: Attend) =>
    store.read(tenantId, async (tx) => {
      const [run, around] = await Promise.all([runs.byId(tx, runId), aroundRun(tx, runId)]);
      return { over: !run || isEnded(run) || around.fence !== null, said: around.said };
    });

  /** Answers what is written down of its end: this, or what somebody else has written by now. */
  const endAs = (p: AgentProcess, outcome: CommandOutcome, how: How): Promise<CommandOutcome> =>
    store.write(p.tenantId, async (tx) => {
      if (await writeEnd(tx, p, outcome, how)) return outcome;
      return (await launchOf(tx, p.runId, p.launch))?.outcome ?? outcome;
    });

  /** Nobody begins it any more; nor where there is no folder in which to say so, for nobody can say that he begins there. */
  const isFenced = (stateDir: string): boolean => {
    if (standingOf(stateDir).is !== 'absent') return false;
    try {
      return giveUp(stateDir);
    } catch (e) {
      if (existsSync(stateDir)) throw e;
      return true;
    }
  };

  /** Hands it over. What cannot be is over: at once where its program is gone since, else when that has gone on for too long. */
  const begin = async ({ process, matter }: Found, wanted: Wanted): Promise<CommandOutcome | null> => {
    try {
      await start(matter, process, wanted);
    } catch (e) {
      const late = Date.now() - Date.parse(process.launchedAt) > beginMs;
      if (!(e instanceof NotHere || late) || !isFenced(process.stateDir)) throw e;
      const error = storableText(`the command could not be run: ${(e as Error).message}`);
      return endAs(process, { is: 'failed', error }, { exit: null, reason: error, tail: null });
    }
    return null;
  };

  const conclude = async (
    process: AgentProcess,
    watched: Watched,
    standing: Extract<Standing, { is: 'ended' | 'lost' }>,
    minutes: number,
    because: string | null,
  ): Promise<Attended> => {
    if (standing.is === 'lost') await endLost(process.id, standing.leader, agents.graceMs);
    watched.read();
    await watched.writeTurns();
    const exit = standing.is === 'ended' ? standing.exit : null;
    const lost = standing.is === 'lost' ? standing.why : null;
    const tail = watched.tail();
    const checkpoint = await watched.checkpoint();
    const outcome = outcomeOf(
      { exit, lost, because, checkpoint, tail, ...watched.result },
      limitWords(agents, minutes),
      agents.retryMs,
    );
    return endAs(process, outcome, { exit, reason: lost, tail });
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
    let [handed, known, doneAt] = [false, false, Infinity];
    let because = process.endReason; // a worker before this one asked it to end
    let ending = because !== null;
    for (;;) {
      const standing = standingOf(process.stateDir);
      if (standing.is === 'ended' || standing.is === 'lost') return conclude(process, watched, standing, minutes, because);
      if (standing.is === 'absent' && !handed) {
        handed = true;
        // The row first: whoever gives it up there may trust that no supervisor begins with less than it says.
        if (!(await store.write(process.tenantId, (tx) => holdLaunch(tx, process.id)))) return otherEnd(input);
        const wanted = { model: input.model ?? null, timeoutMinutes: minutes, effort: input.effort ?? null, fast: input.fast ?? false };
        const ended = await begin(it, wanted);
        if (ended) return ended;
      } else if (standing.is !== 'running' && Date.now() - (handedAt(process.stateDir) ?? 0) > beginMs) {
        // Given up, it is not to begin any more: the next look finds it lost.
        if (standing.is === 'starting') await endSilent(standing.supervisor);
        else giveUp(process.stateDir);
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
        if (watched.awaitsToolMs > agents.toolCallMs && !ending) {
          [ending, because] = [true, noToolWords(agents)];
          const why = because;
          if (!(await store.write(process.tenantId, (tx) => sayWhyEnded(tx, process.id, why)))) return otherEnd(input);
        }
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
          if (!(await watched.attend())) return otherEnd(input);
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
