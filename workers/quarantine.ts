import type { Logger } from 'pino';
import { beginQuarantine, endQuarantines, tenantsWithQuarantineOver, wentWild } from '../db/quarantine';
import { system } from '../domain/principal';
import { quarantine, whyQuarantined } from '../domain/quarantine';
import type { Store } from '../log/store';
import { eachTenant, keepLooking } from './loop';
import type { Reader } from './reader';

/**
 * Keeps agents that were refused too often from everything, for a day. By the log, so that no call waits for a row that others
 * count on; until then the calls themselves look (pipeline/stages.ts).
 */
export const quarantiner: Reader = {
  name: 'quarantine',
  kinds: ['execution.deny', 'execution.kill'],
  often: { pollMs: 250, longestWaitMs: 10_000, trouble: 'agents that ran wild are not kept from everything yet' },
  async take(tx, entries) {
    const seqs = entries.map((e) => e.seq);
    for (const wild of await wentWild(tx, seqs)) {
      const { agentId, name, tool, refusals, bulk, until } = wild;
      const why = whyQuarantined(refusals, tool, bulk);
      if (why === null) continue;
      await beginQuarantine(tx, wild, why);
      tx.log({
        kind: 'agent.quarantined',
        actor: system,
        subject: { kind: 'agent', id: agentId },
        agentId,
        tool,
        reason: why,
        body: { name, refusals, bulk_pii_refusals: bulk, window_minutes: quarantine.minutes, until: new Date(until).toISOString() },
      });
    }
    return null;
  },
}; // prettier-ignore

const often = { pollMs: 5_000, longestWaitMs: 60_000, trouble: 'agents whose quarantine is over are kept longer' };
const most = 100;

/** Lets those go whose day is over. */
export const endQuarantinesInTime = (store: Store, logger: Logger, signal: AbortSignal): Promise<void> =>
  keepLooking(often, logger, signal, () =>
    eachTenant(often, logger, signal, [
      [
        () => tenantsWithQuarantineOver(store.pool),
        (tenantId) =>
          store.write(tenantId, async (tx) => {
            for (const { id, name, began } of await endQuarantines(tx, most))
              tx.log({
                kind: 'agent.quarantine_released',
                actor: system,
                subject: { kind: 'agent', id },
                agentId: id,
                reason: 'its time is over',
                body: { name, began_because: began },
              });
          }),
      ],
    ]),
  );
