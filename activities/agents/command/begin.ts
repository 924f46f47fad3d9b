import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { v5, v7 } from 'uuid';
import type { AgentSettings } from '../../../config-agents';
import { insertLaunch, lastLaunch, launchOf } from '../../../db/agent-processes';
import { insertApiKey } from '../../../db/api-keys';
import { tenantSlug } from '../../../db/tenants';
import { readPart } from '../../../runner/files';
import type { AgentProcess } from '../../../domain/agent-process';
import { derivedKey, hashKey } from '../../../log/credentials';
import { callOf, isFor, NotForTenant } from '../../../runner/commands';
import { promptText } from '../../../runner/brief';
import { markOf } from '../../../runner/group';
import { launch } from '../../../runner/launch';
import { runUser, withRights } from '../../../runner/rights';
import { ownFolders, prepareWorkspace, stateDirOf } from '../../../runner/workspace';
import type { Deps } from '../../deps';
import { agentActor } from '../../lifecycle/runs';
import { here } from './here';
import type { Matter } from './told';

/** What a run wants of its command, where that is not what is usual here. */
export interface Wanted {
  model: string | null;
  /** 0: no limit. */
  timeoutMinutes: number | null;
  effort: string | null;
  fast: boolean;
}

/** Of a key that nobody renews. A command that is attended to has its own renewed. */
export const keyMs = 15 * 60_000;

/** The same whoever asks: two workers that hold one launch for theirs give its agent one key. */
export const keyOf = (masterKey: Buffer, processId: string): string =>
  derivedKey(masterKey, `agent process ${processId}`);

const taskOf = ({ run, told }: Matter, wanted: Wanted, s: AgentSettings, workDir: string) => ({
  prompt: promptText(told),
  model: wanted.model ?? run.model,
  effort: wanted.effort,
  fast: wanted.fast,
  profile: run.profileId,
  timeoutMinutes: wanted.timeoutMinutes ?? s.timeoutMinutes,
  workDir,
  agentId: told.agentId,
  taskId: told.taskId,
  ticketId: told.ticketId,
});

export const beginning = ({ store, agents, masterKey }: Pick<Deps, 'store' | 'agents' | 'masterKey'>) => ({
  /**
   * Writes a launch down, with the key of its agent, before anything runs: whoever comes after a crash finds it. Answers the
   * one that stands. @throws NotHere, NotForTenant
   */
  writeDown: ({ run, told }: Matter, number: number): Promise<AgentProcess> =>
    store.write(run.tenantId, async (tx) => {
      const tenant = await tenantSlug(tx);
      if (!isFor(agents, run.harness, tenant))
        throw new NotForTenant(`${run.harness} is not for the agents of ${tenant}`);
      const before = (await lastLaunch(tx, run.id))?.workDir ?? null;
      const { workDir, runnerDir } = ownFolders(agents.workBase, run, before);
      const id = v7();
      const logPath = join(runnerDir, 'output.log');
      const key = { id: v5('key', id), secret: keyOf(masterKey, id) };
      const { argv } = callOf(agents, run.harness, taskOf({ run, told } as Matter, usual, agents, workDir));
      const written = await insertLaunch(tx, {
        id, runId: run.id, launch: number, harness: run.harness, program: argv[0] ?? '', ...here(), workDir, logPath,
        stateDir: stateDirOf(runnerDir, id), keyId: key.id, readTo: readPart(logPath, 0, 0)?.size ?? 0,
      }); // prettier-ignore
      if (!written) {
        const stands = await launchOf(tx, run.id, number);
        if (!stands) throw new Error(`another launch of agent ${run.number} has not ended`);
        return stands;
      }
      await insertApiKey(tx, {
        id: key.id, name: `agent-${run.number}`, keyHash: hashKey(key.secret), keyPrefix: key.secret.slice(0, 12), role: 'agent',
        scopes: run.scopes, userId: null, agentId: run.agentId, runId: run.id, expiresAt: new Date(Date.now() + keyMs).toISOString(),
      }); // prettier-ignore
      tx.log({
        kind: 'process.launched', actor: agentActor(run), subject: { kind: 'run', id: run.id }, transition: `launch:${number}`,
        ticketId: run.ticketId, runId: run.id, agentId: run.agentId,
        body: { agent_id: run.number, task_id: run.taskNumber, harness: run.harness, program: written.program, launch: number, host: written.host, key_id: key.id },
      }); // prettier-ignore
      return written;
    }),

  /** Makes the folder ready and hands the command over. Twice for one launch starts it once. @throws NotHere when its program is gone */
  start: async (matter: Matter, process: AgentProcess, wanted: Wanted): Promise<void> => {
    const { run, told, leases, updates } = matter;
    const folders = { workDir: process.workDir, runnerDir: dirname(process.logPath) };
    const task = taskOf(matter, wanted, agents, folders.workDir);
    const { argv, env, model } = callOf(agents, run.harness, task);
    const settings = { ...(model !== null && { model }), env: { DASHBOARD_API_BASE: agents.apiBase } };
    const credential = {
      apiBase: agents.apiBase,
      token: keyOf(masterKey, process.id),
      expiresAt: new Date(Date.now() + keyMs).toISOString(),
    };
    const rightly = withRights(agents, argv);
    await prepareWorkspace(folders, told, { leases, updates, settings, credential }, runUser(agents));
    mkdirSync(process.stateDir, { recursive: true, mode: 0o700 });
    const [name, value] = markOf(process.id).split('=') as [string, string];
    await launch({
      processId: process.id,
      stateDir: process.stateDir,
      workDir: folders.workDir,
      logFile: process.logPath,
      title: `${titleMark}${told.taskId}: agent ${told.agentId}, harness ${run.harness}, model ${model ?? '-'}, launch ${process.launch}`,
      argv: rightly,
      env: { ...env, [name]: value },
      timeMs: task.timeoutMinutes === 0 ? null : task.timeoutMinutes * 60_000,
      silenceMs: agents.silenceMs,
      memoryBytes: agents.memoryBytes,
      outputBytes: agents.outputBytes,
      unattendedMs: agents.unattendedMs,
      graceMs: agents.graceMs,
    });
  },
});

/** How the first line of each launch begins. */
export const titleMark = '[runner] task ';
const usual: Wanted = { model: null, timeoutMinutes: null, effort: null, fast: false };
