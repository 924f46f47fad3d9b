import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Supervisor } from '../../cli/supervise';
import type { Config } from '../../config';
import { productionServer } from './server';

const report = (line: string): void => void process.stderr.write(`  ${line}\n`);

/** A server of the production form for as long as the work takes, in a folder that goes with it. */
export async function withProductionServer<T>(
  config: Config,
  tuned: boolean,
  work: (address: string) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'wheelhouse-temporal-'));
  chmodSync(folder, 0o711);
  const supervisor = new Supervisor(report);
  const kept = supervisor.removeWhenKilled(folder);
  try {
    const signal = supervisor.stopped;
    const { programs, address } = await productionServer({ cacheOf: config.dataDir, folder, report, signal, tuned });
    for (const program of programs) await supervisor.start(program);
    return await work(address);
  } finally {
    await supervisor.stop();
    rmSync(folder, { recursive: true, force: true });
    kept.release();
  }
}
