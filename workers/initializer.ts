import { heldWorkAgent, saveTakenUp } from '../db/agent-work';
import { system } from '../domain/principal';
import { remoteHarness } from '../domain/remote-harness';
import { foundCommands, here, type Settings } from '../pipeline/chosen';
import type { Store } from '../log/store';
import type { Reader } from './reader';

/**
 * Takes up agents that were registered at the orchestration door: one is active from then on, or in error where its harness
 * cannot work here. Workers of a remote one come later, when they like.
 */
export const initializer = (settings: Settings, { pool }: Pick<Store, 'pool'>): Reader => ({
  name: 'new agents',
  kinds: ['agent.registered'],
  often: {
    pollMs: 300,
    longestWaitMs: 30_000,
    trouble: 'new agents could not be taken up; they stay initializing and it is tried again',
  },
  async take(tx, entries) {
    for (const { subjectId } of entries) {
      const agent = await heldWorkAgent(tx, subjectId);
      if (agent?.initializedAt !== null || agent.status !== 'ACTIVE') continue;
      const { available } = await here(settings, await foundCommands(pool), tx);
      const status = agent.harness === remoteHarness.name || available.includes(agent.harness) ? 'ACTIVE' : 'ERROR';
      await saveTakenUp(tx, agent.id, status);
      tx.log({
        kind: 'agent.initialized',
        actor: system,
        subject: { kind: 'agent', id: agent.id },
        agentId: agent.id,
        reason: status === 'ERROR' ? `${agent.harness} cannot work here` : null,
        body: { name: agent.name, was: 'initializing', status: status === 'ACTIVE' ? 'active' : 'error' },
      });
    }
    return null;
  },
});
