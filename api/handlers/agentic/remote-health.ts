import { hasClaimers, remoteCounts, remoteWorkers } from '../../../db/remote-workers';
import { remoteHarness } from '../../../domain/remote-harness';
import type { Ctx } from '../../kernel';

const mostWorkers = 50;

/** What is known of agents elsewhere, in the form in which workers tell of commands. Who they are is not for one ticket's credential. */
export const remoteFound = (ctx: Ctx) =>
  ctx.read(async (tx) => {
    const only = ctx.principal.ticketId;
    const available = await hasClaimers(tx);
    const { waiting, held } = await remoteCounts(tx, only);
    const workers = only === null ? await remoteWorkers(tx, mostWorkers) : [];
    const [last] = workers
      .filter((w) => w.claimedAt !== null)
      .sort((a, b) => (b.claimedAt ?? '').localeCompare(a.claimedAt ?? ''));
    return {
      harness: remoteHarness.name,
      host: workers[0]?.worker ?? null,
      program: 'POST /api/agents/tasks/claim',
      path: null,
      version: null,
      error: available ? null : 'no API key of this tenant has the scope agents:claim',
      available,
      live: held,
      checked_at: workers[0]?.seenAt ?? null,
      details: {
        waiting,
        claimed: held,
        last_claimed: last ? { worker: last.worker, by: last.name, at: last.claimedAt } : null,
        workers: workers.map(({ worker, name, labels, seenAt, waits }) => ({
          worker, by: name, labels, seen_at: seenAt, waits,
        })), // prettier-ignore
      },
    };
  });
