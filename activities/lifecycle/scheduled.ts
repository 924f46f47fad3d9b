import { v5 } from 'uuid';
import { agents, lockAgent } from '../../db/agents';
import { draftRun } from '../../db/own-work';
import type { Write } from '../../db/tx';
import { leaseMs } from '../../domain/access';
import { idleReason } from '../../domain/agent';
import { system } from '../../domain/principal';
import type { Run } from '../../domain/run';
import type { Deps } from '../deps';
import { writtenBefore } from './record';

interface Firing {
  tenantId: string;
  agentId: string;
  /** The workflow that the Schedule started: the run's id derives from it. */
  key: string;
}
export type Drafted = { run: Run; title: string; gateTtlMs: number; leaseMs: number } | { run: null; reason: string };

async function skip(tx: Write, { agentId, key }: Firing, reason: string): Promise<void> {
  const transition = `skipped:${key}`;
  if (await writtenBefore(tx, agentId, transition)) return;
  tx.log({
    kind: 'agent.run_skipped',
    actor: system,
    subject: { kind: 'agent', id: agentId },
    transition,
    agentId,
    decision: 'deny',
    reason,
    body: { workflow_id: key },
  });
}

export const scheduledActivities = ({ store, gateTtlMs }: Pick<Deps, 'store' | 'gateTtlMs'>) => ({
  /** The run that this firing of the Schedule is to open, with the rights of whoever set it; a repeat drafts the same. */
  draftScheduledRun: (firing: Firing & { at: string }): Promise<Drafted> =>
    store.write(firing.tenantId, async (tx) => {
      const agent = await lockAgent(tx, firing.agentId);
      const idle = agent ? idleReason(agent) : 'the agent is deleted';
      if (!agent || idle !== null) {
        const reason = idle ?? 'the agent is deleted';
        if (await agents.byId(tx, firing.agentId)) await skip(tx, firing, reason);
        return { run: null, reason };
      }
      const { ticket, run } = await draftRun(tx, agent, {
        id: v5(firing.key, agent.id),
        kind: 'scheduled',
        context: { schedule: agent.schedule, timezone: agent.timezone, at: firing.at },
        by: agent.scheduledBy ?? system,
        scopes: agent.scheduledScopes,
      });
      return { run, title: `Agent on ticket ${ticket.number}: ${ticket.title}`, gateTtlMs, leaseMs };
    }),

  /** The log says that this firing opened no run, once. */
  skipScheduledRun: (firing: Firing & { reason: string }): Promise<void> =>
    store.write(firing.tenantId, (tx) => skip(tx, firing, firing.reason)),
});
