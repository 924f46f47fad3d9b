import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { v7 } from 'uuid';
import { findBinary, temporalCli } from '../../cli/binaries';
import { devServer } from '../../cli/dev-server';
import { freePorts } from '../../cli/free-port';
import { Supervisor } from '../../cli/supervise';
import { childEnvironment, root, type Config } from '../../config';
import type { Form } from '../../proofs/proof';
import { withProductionServer } from '../production/with-server';

const report = (line: string): void => void process.stderr.write(`  ${line}\n`);

/** A server of the form beside the installation's, with nothing set: the engine as it comes, its state on disk. */
export async function withDefaultServer<T>(
  config: Config,
  form: Form,
  work: (address: string) => Promise<T>,
): Promise<T> {
  if (form === 'production') return withProductionServer(config, false, work);
  const folder = mkdtempSync(join(tmpdir(), 'wheelhouse-floor-'));
  const supervisor = new Supervisor(report);
  try {
    const path = childEnvironment({})['PATH'] ?? '';
    const search = { dataDir: config.dataDir, path, signal: supervisor.stopped, report };
    const cli = await findBinary(temporalCli, search);
    const [grpc = 0, ui = 0] = await freePorts(2);
    const server = devServer(cli, folder, { grpc, ui }, 'default', false);
    await supervisor.start(server.program);
    return await work(server.address);
  } finally {
    await supervisor.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The floor's worker and client, each with the SDK's default settings. */
export async function withFloor<T>(
  address: string,
  work: (temporal: Client, taskQueue: string) => Promise<T>,
): Promise<T> {
  const taskQueue = `floor-${v7()}`;
  const worker = spawn(process.execPath, [join(root, 'dist/bench/floor/worker.js'), address, taskQueue], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const ended = once(worker, 'exit');
  const connection = await Connection.connect({ address });
  try {
    await Promise.race([
      once(worker, 'message'),
      ended.then(() => Promise.reject(new Error('the floor has no worker: it ended'))),
    ]);
    return await work(new Client({ connection }), taskQueue);
  } finally {
    worker.kill('SIGTERM');
    await ended;
    await connection.close();
  }
}
