import { setTimeout as delay } from 'node:timers/promises';
import { join } from 'node:path';
import { lastLaunch } from '../../../db/agent-processes';
import { runLines, type RunView } from '../../../db/run-queries';
import type { AgentProcess } from '../../../domain/agent-process';
import { isEnded } from '../../../domain/run';
import { reveal } from '../../../log/personal';
import { filterOutput } from '../../../pipeline/output-filter';
import { canSeeProcesses, place } from '../../../runner/proc';
import { lastLines, linesFrom, type Part } from '../../../runner/tail';
import type { Ctx } from '../../kernel';
import { logLine } from './ticket-views';

export interface LogQuery {
  lines: number;
  offset?: number | undefined;
  follow: number;
}

const lookMs = 200;
const clean = (text: string): string => String(filterOutput(text).value);

/** One that waits, or met trouble that passes, is called again. */
const isOver = ({ outcome }: AgentProcess): boolean =>
  outcome !== null && outcome.is !== 'waiting' && outcome.is !== 'again';

const isHere = (p: AgentProcess): boolean => canSeeProcesses() && p.place === place();

/** What a run without a command did, a line each. */
async function ofRun(ctx: Ctx, run: RunView, { lines }: LogQuery) {
  const found = await ctx.read(async (tx) => reveal(tx, ctx.kernel.keyring, await runLines(tx, run.id, lines)));
  return {
    task_id: run.taskNumber, log_path: null, content: found.map((l) => `${logLine(l)}\n`).join(''), host: null, source: 'run' as const,
    next_offset: null, ended: isEnded(run),
  }; // prettier-ignore
}

/** The end of a log on another machine, as its worker wrote it down. */
function ofRow(run: RunView, p: AgentProcess, { lines }: LogQuery) {
  const whole = p.tail.split('\n').slice(0, -1);
  return {
    task_id: run.taskNumber, log_path: join(p.workDir, 'output.log'), content: whole.slice(-lines).map((l) => `${l}\n`).join(''), host: p.host,
    source: 'tail' as const, next_offset: null, ended: isOver(p),
  }; // prettier-ignore
}

const partOf = (p: AgentProcess, { lines, offset }: LogQuery): Part | null =>
  offset === undefined ? lastLines(p.logPath, lines) : linesFrom(p.logPath, offset);

/** What a run's log says; where more is asked for than there is, as soon as there is. */
export async function logsOf(ctx: Ctx, run: RunView, query: LogQuery) {
  const find = () => ctx.read((tx) => lastLaunch(tx, run.id));
  let p = await find();
  if (!p) return ofRun(ctx, run, query);
  if (!isHere(p)) return ofRow(run, p, query);
  const until = performance.now() + (query.offset === undefined ? 0 : query.follow * 1000);
  for (;;) {
    // Whether it is over first: what it wrote before that is seen after it.
    const over: boolean = isOver(p);
    const part = partOf(p, query);
    if (!part) return ofRow(run, p, query);
    if (part.content !== '' || over || performance.now() >= until || ctx.closed.aborted) {
      const more = part.content !== '' && query.offset !== undefined;
      return {
        task_id: run.taskNumber, log_path: join(p.workDir, 'output.log'), content: clean(part.content), host: p.host, source: 'file' as const,
        next_offset: part.next, ended: over && !more,
      }; // prettier-ignore
    }
    await delay(lookMs);
    p = (await find()) ?? p;
  }
}
