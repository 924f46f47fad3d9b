import { v5 } from 'uuid';
import type { CommandOutcome } from '../domain/agent-process';
import { system, type Actor } from '../domain/principal';
import { overTime, type RemoteTask } from '../domain/remote-task';
import type { Run } from '../domain/run';
import { storableText } from '../domain/storable';
import { insertApiKey, revokeApiKey } from './api-keys';
import { endOffer, letGo, remoteTasks, take, type Taking } from './remote-tasks';
import type { Write } from './tx';

// What may happen to a task that is worked on elsewhere, each with its entry. The row is held by whoever calls.

type Of = Pick<Run, 'id' | 'number' | 'taskNumber' | 'ticketId' | 'agentId'>;

const say = (
  tx: Write,
  kind: string,
  { run, task, by }: { run: Of; task: RemoteTask; by: Actor },
  body: Record<string, unknown>,
  reason: string | null = null,
): void =>
  void tx.log({
    kind, actor: by, subject: { kind: 'run', id: run.id }, ticketId: run.ticketId, runId: run.id, agentId: run.agentId, reason,
    transition: `${kind}:${task.offer}:${task.token}`,
    body: { agent_id: run.number, task_id: run.taskNumber, offer: task.offer, token: task.token, ...body },
  }); // prettier-ignore

export function sayOffered(tx: Write, run: Of, task: RemoteTask): void {
  say(tx, 'task.offered', { run, task, by: system }, { labels: task.labels });
}

export interface Claimed extends Omit<Taking, 'keyId'> {
  /** Of the key that its holder gets: the digest of its secret, and how that begins. */
  key: (of: { taskId: string; token: number }) => { hash: string; prefix: string };
}

/** Gives a task that nobody holds to whoever claims it, with a key of its run's: for its ticket alone, as long as the lease. */
export async function claim(tx: Write, run: Run, task: RemoteTask, c: Claimed): Promise<RemoteTask> {
  const { holder, worker, claimId, leaseSeconds } = c;
  const keyId = v5(`key:${task.token + 1}`, task.id);
  const taken = await take(tx, task.id, { holder, worker, claimId, leaseSeconds, keyId });
  const key = c.key({ taskId: taken.id, token: taken.token });
  await insertApiKey(tx, {
    id: keyId, name: `agent-${run.number}`, keyHash: key.hash, keyPrefix: key.prefix, role: 'agent', userId: null, agentId: run.agentId,
    // Whoever holds it may always say that it has heard.
    scopes: [...new Set([...run.scopes, 'agents:heartbeat'])], runId: run.id, expiresAt: taken.leaseUntil,
  }); // prettier-ignore
  say(tx, 'task.claimed', { run, task: taken, by: holder }, { worker, lease_until: taken.leaseUntil, key_id: keyId });
  return taken;
}

/** Its lease has run out: it is offered again, or over when it was worked on for as long as it may. Answers how it stands. */
export async function lapse(tx: Write, run: Of, task: RemoteTask): Promise<RemoteTask> {
  if (task.keyId !== null) await revokeApiKey(tx, task.keyId);
  say(tx, 'task.lapsed', { run, task, by: system }, { held_by: task.holder?.name ?? null, worker: task.worker, lease_until: task.leaseUntil });
  const { limitMs, workedMs } = await letGo(tx, task.id);
  if (limitMs !== null && workedMs >= limitMs) await end(tx, run, { ...task, keyId: null }, { is: 'failed', error: overTime(limitMs) }, system);
  const stands = await remoteTasks.byId(tx, task.id);
  if (!stands) throw new Error(`no row for task ${task.id}`);
  return stands;
} // prettier-ignore

const wordOf = (outcome: CommandOutcome): string =>
  outcome.is === 'finished' ? outcome.result : outcome.is === 'failed' ? outcome.error : outcome.why;

/** What came of it. Its key is taken away; its run goes on from there. */
export async function end(tx: Write, run: Of, task: RemoteTask, outcome: CommandOutcome, by: Actor): Promise<void> {
  await endOffer(tx, task.id, outcome);
  if (task.keyId !== null) await revokeApiKey(tx, task.keyId);
  const said = storableText(wordOf(outcome).slice(0, 500));
  say(tx, 'task.ended', { run, task, by }, { outcome: outcome.is, said }, outcome.is === 'failed' ? said : null);
}
