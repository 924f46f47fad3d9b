import { pathToFileURL } from 'node:url';
import { latency, throughput } from './drive';
import type { Peer, Setup } from './peer';
import { openRows } from './rows';

/** What the bench asks of an engine's process, one thing at a time. */
export type Ask =
  | { ask: 'start'; setup: Setup }
  | { ask: 'throughput'; callers: number; seconds: number }
  | { ask: 'latency'; count: number }
  | { ask: 'stop' };
export type Answer = { found: unknown } | { failed: string };

/** One engine and its callers. Arguments: the engine's module; the last one names the process. */
async function main([module = '']: string[]): Promise<void> {
  const { peer } = (await import(pathToFileURL(module).href)) as { peer: Peer };
  let close = (): Promise<void> => Promise.resolve();
  const answer = async (asked: Ask): Promise<unknown> => {
    switch (asked.ask) {
      case 'start': {
        const database = asked.setup['database'];
        const rows = database ? await openRows(database) : null;
        if (rows) close = () => rows.close();
        return peer.start(asked.setup, rows);
      }
      case 'throughput':
        return throughput(peer, asked.callers, asked.seconds);
      case 'latency':
        return latency(peer, asked.count);
      case 'stop':
        await peer.stop();
        return close();
    }
  };
  process.on('message', (asked: Ask) => {
    answer(asked).then(
      (found) => process.send?.({ found } satisfies Answer),
      (e: unknown) => process.send?.({ failed: e instanceof Error ? (e.stack ?? e.message) : String(e) }),
    );
  });
  // Nobody asks any more.
  process.once('disconnect', () => process.exit(0));
}

main(process.argv.slice(2)).catch((e: unknown) => {
  process.stderr.write(`${String(e)}\n`);
  process.exit(1);
});
