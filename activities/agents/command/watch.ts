import { attendTo, raiseProgress, type Seen } from '../../../db/agent-processes';
import { sayCheckpoint } from '../../../db/checkpoints';
import { recordTurns } from '../../../db/command-turns';
import type { AgentProcess } from '../../../domain/agent-process';
import { updateOf } from '../../../domain/steering';
import { storableText } from '../../../domain/storable';
import { filterOutput } from '../../../pipeline/output-filter';
import { readCheckpoint, type Checkpoint } from '../../../runner/checkpoint';
import { readPart } from '../../../runner/files';
import { Group, markOf } from '../../../runner/group';
import { psLine, type ProcessId } from '../../../runner/proc';
import { progressOf, said } from '../../../runner/signals';
import { linesFrom } from '../../../runner/tail';
import { putFiles } from '../../../runner/put-files';
import { runUser } from '../../../runner/rights';
import { steeringOf } from '../../../runner/steering';
import type { Deps } from '../../deps';
import { agentActor } from '../../lifecycle/runs';
import { keyMs, titleMark } from './begin';
import { saidTo, type Matter } from './told';
import { Turns } from './turns';

/** As much of a log's end as its row has. */
const tailBytes = 12 * 1024;
/** A line of a command's output may be as long. */
const partBytes = 2 * 1024 * 1024;
const mostText = 20_000;
const mostLines = 50;

/** As many turns of its model one launch has. */
const mostTurns = 1_000;

const clean = (text: string): string => String(filterOutput(text).value);

/** What one worker sees of one launch. */
export class Watched {
  private seen: Pick<Seen, 'readTo' | 'said' | 'saidFailed'>;
  private progress = 0;
  private told = 0;
  private recorded = '';
  private group: Group;
  private readonly turns = new Turns();

  constructor(
    private readonly deps: Pick<Deps, 'store' | 'agents'>,
    readonly process: AgentProcess,
    private readonly matter: Matter,
  ) {
    const { readTo, said: text, saidFailed, pid, pidStarted } = process;
    this.seen = { readTo, said: text, saidFailed };
    this.group = this.groupOf(pid !== null && pidStarted !== null ? { pid, started: pidStarted } : null);
  }

  began(leader: ProcessId): void {
    this.group = this.groupOf(leader);
  }

  get result() {
    return { text: this.seen.said, saidFailed: this.seen.saidFailed };
  }

  get awaitsToolMs(): number {
    return this.turns.awaitsToolMs;
  }

  /** The end of this launch's part of the log, without credentials. */
  tail(): string {
    const { logPath } = this.process;
    const size = readPart(logPath, 0, 0)?.size ?? 0;
    const text = readPart(logPath, Math.max(0, size - tailBytes), tailBytes)?.bytes.toString('utf8') ?? '';
    return clean(text.slice(Math.max(0, text.lastIndexOf(titleMark))));
  }

  /** Reads what is new in the log. */
  read(): void {
    for (;;) {
      const part = linesFrom(this.process.logPath, this.seen.readTo, partBytes);
      if (!part || part.next === this.seen.readTo) return;
      let at = this.seen.readTo;
      this.seen.readTo = part.next;
      for (const line of part.content.split('\n')) {
        const heard = said(line);
        this.turns.hear(heard, at);
        at += Buffer.byteLength(line) + 1;
        this.progress = Math.max(this.progress, heard.progress ?? 0);
        if (heard.text !== null) this.seen.said = storableText(clean(heard.text).slice(0, mostText));
        if (heard.progress === progressOf.result || heard.failed) this.seen.saidFailed = heard.failed;
      }
    }
  }

  /** What the agent says of how far it is, in its row; each new step and status in the log, and in a note. */
  async checkpoint(): Promise<Checkpoint | null> {
    const found = readCheckpoint(this.process.workDir);
    if (!found || found.status === 'queued') return found;
    const read = { ...found, output: found.output === null ? null : clean(found.output) };
    this.progress = Math.max(this.progress, Math.min(99, read.progress));
    const seen = JSON.stringify(read);
    if (seen !== this.recorded) await this.record(read);
    this.recorded = seen;
    return read;
  }

  private record(c: Checkpoint): Promise<void> {
    const { run } = this.matter;
    return this.deps.store.write(run.tenantId, (tx) => sayCheckpoint(tx, run, agentActor(run), c));
  }

  /** Says in the row that it is attended to, and what was seen. False: its launch is over there. */
  attend(): Promise<boolean> {
    const members = this.group.members();
    const seen: Seen = {
      ...this.seen,
      outputBytes: readPart(this.process.logPath, 0, 0)?.size ?? 0,
      rssBytes: members.reduce((sum, p) => sum + p.rssBytes, 0),
      lines: members.slice(0, mostLines).map((p) => clean(psLine(p))),
      tail: this.tail(),
    };
    const turns = this.turns.taken();
    return this.deps.store.write(this.process.tenantId, async (tx) => {
      if (turns.length) await recordTurns(tx, this.process, turns, mostTurns);
      if (this.progress > this.told) await raiseProgress(tx, this.process.runId, this.progress);
      this.told = this.progress;
      return attendTo(tx, this.process, seen, keyMs);
    });
  }

  /** Writes down what its model did since that was written down last. */
  async writeTurns(): Promise<void> {
    const turns = this.turns.taken();
    if (turns.length)
      await this.deps.store.write(this.process.tenantId, (tx) => recordTurns(tx, this.process, turns, mostTurns));
  }

  /** Puts what people said into the agent's folder; then it counts as delivered. */
  async deliver(): Promise<void> {
    const { run, told } = this.matter;
    const all = await this.deps.store.read(run.tenantId, (tx) => saidTo(tx, run.id));
    const updates = all.map((s) => updateOf({ ...s, status: s.status === 'pending' ? 'delivered' : s.status }));
    const inbox = { agent_id: told.agentId, task_id: told.taskId, ticket_id: told.ticketId, updates };
    await putFiles(this.process.workDir, runUser(this.deps.agents), steeringOf(inbox));
    await this.deps.store.write(run.tenantId, async (tx) => {
      const { rows } = await tx.query<{ id: string; number: number; author: string }>(
        `update steering_events set status = 'delivered', delivered_at = now()
         where run_id = $1 and status = 'pending' and id = any($2) returning id, number, author`,
        [run.id, all.map((s) => s.id)],
      );
      for (const row of rows)
        tx.log({
          kind: 'steering.delivered', actor: { id: null, kind: 'system', name: 'wheelhouse' }, subject: { kind: 'run', id: run.id },
          transition: `steering:${row.id}`, ticketId: run.ticketId, runId: run.id, agentId: run.agentId,
          body: { event_id: row.number, author: row.author },
        }); // prettier-ignore
    });
  }

  private groupOf(leader: ProcessId | null): Group {
    return new Group(leader, markOf(this.process.id));
  }
}
