import type { AgentSettings } from '../../../config-agents';
import { markEnded } from '../../../db/agent-processes';
import { revokeApiKey } from '../../../db/api-keys';
import type { Write } from '../../../db/tx';
import type { AgentProcess, CommandOutcome } from '../../../domain/agent-process';
import { system } from '../../../domain/principal';
import { storableText } from '../../../domain/storable';
import type { Exit, Limit } from '../../../runner/state';

/** What was gone beyond, in words. */
export const limitWords = (s: AgentSettings, minutes: number): Record<Limit, string> => ({
  time: `time limit: it ran for longer than ${minutes} minutes`,
  silence: `silence limit: it wrote nothing for ${s.silenceMs / 1000} s`,
  memory: `memory limit: its processes had more than ${Math.round(s.memoryBytes / 1024 / 1024)} MB`,
  output: `output limit: it wrote more than ${Math.round(s.outputBytes / 1024 / 1024)} MB`,
  stop: 'it was stopped',
  unattended: `no worker attended to it for ${s.unattendedMs / 1000} s`,
});

/** Why a worker ended what its supervisor would not have. */
export const noToolWords = (s: AgentSettings): string =>
  `tool call limit: its model stopped to call a tool, and called none for ${s.toolCallMs / 1000} s`;

const wordOf = (outcome: CommandOutcome): string => {
  switch (outcome.is) {
    case 'finished':
      return outcome.result;
    case 'failed':
      return outcome.error;
    case 'waiting':
    case 'stopped':
    case 'again':
      return outcome.why;
  }
};

export interface How {
  /** Null: nobody saw it end, or it never began. */
  exit: Exit | null;
  reason: string | null;
  /** The end of its log, where it can be read. */
  tail: string | null;
}

/** Writes down that a launch is over, and takes its agent's key away: once, whoever comes to it first. */
export async function writeEnd(
  tx: Write,
  p: AgentProcess,
  outcome: CommandOutcome,
  { exit, reason: why, tail }: How,
): Promise<boolean> {
  const reason = why === null ? null : storableText(why);
  const error = exit?.error ? storableText(exit.error) : null;
  const ended = await markEnded(tx, p.id, {
    exitCode: exit?.code ?? null, signal: exit?.signal ?? null, endLimit: exit?.limit ?? null, endReason: reason ?? error,
    outcome, outputBytes: exit?.outputBytes ?? null, peakBytes: exit?.peakBytes ?? null, tail,
  }); // prettier-ignore
  if (!ended) return false;
  await revokeApiKey(tx, p.keyId);
  const { rows } = await tx.query<{ ticket_id: string; agent_id: string }>('select ticket_id, agent_id from runs where id = $1', [p.runId]); // prettier-ignore
  tx.log({
    kind: 'process.ended', actor: system, subject: { kind: 'run', id: p.runId }, transition: `ended:${p.launch}`,
    ticketId: rows[0]?.ticket_id ?? null, runId: p.runId, agentId: rows[0]?.agent_id ?? null,
    decision: outcome.is === 'failed' ? 'error' : 'allow', reason: reason ?? (outcome.is === 'failed' ? outcome.error : null),
    body: {
      launch: p.launch, harness: p.harness, host: p.host, pid: p.pid, outcome: outcome.is, said: storableText(wordOf(outcome).slice(0, 500)),
      exit_code: exit?.code ?? null, signal: exit?.signal ?? null, limit: exit?.limit ?? null,
      output_bytes: exit?.outputBytes ?? null, peak_bytes: exit?.peakBytes ?? null,
    },
  }); // prettier-ignore
  return true;
}
