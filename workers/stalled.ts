import type { Logger } from 'pino';
import { stalledUntold, tenantsWithStalled } from '../db/stalled';
import { system } from '../domain/principal';
import type { Store } from '../log/store';
import { keepLooking } from './loop';

const often = { pollMs: 10_000, longestWaitMs: 60_000, trouble: 'agents that are not heard of are not told of' };
const most = 100;

/** Says in the log that an agent which works was not heard of for an hour: once for each time. */
export const tellStalled = (store: Store, logger: Logger, signal: AbortSignal): Promise<void> =>
  keepLooking(often, logger, signal, async () => {
    for (const tenantId of await tenantsWithStalled(store.pool))
      await store.write(tenantId, async (tx) => {
        for (const { id, number, ticketId, agentId, idleSeconds } of await stalledUntold(tx, most))
          tx.log({
            kind: 'run.stalled',
            actor: system,
            subject: { kind: 'run', id },
            ticketId,
            runId: id,
            agentId,
            body: { agent_id: number, idle_seconds: idleSeconds },
          });
      });
  });
