import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { writeFileSync } from 'node:fs';
import type { ChildProcess } from 'node:child_process';
import { Connection } from '@temporalio/client';
import { childEnvironment } from '../config';
import { endLeftover } from './leftover';
import { logFile } from './log-file';
import { searchAttributes } from './search-attributes';
import type { Program } from './supervise';

/**
 * The default poll rate of the queue processors (20 a second and shard) delays every task by up to 50 ms where shards are
 * few, and one task queue partition is enough for one server: 1.2 times the throughput, half the p99.
 */
export const dynamicConfig = {
  'history.transferProcessorMaxPollRPS': 1000,
  'history.timerProcessorMaxPollRPS': 1000,
  'history.visibilityProcessorMaxPollRPS': 1000,
  // Timers are read this far ahead, and one that is set for sooner fires only then: 1 s would be the least wait of all.
  'history.timerProcessorMaxTimeShift': '1ms',
  'matching.numTaskqueueReadPartitions': 1,
  'matching.numTaskqueueWritePartitions': 1,
  // An old version of the workers is known to be drained after seconds instead of minutes; a shared cluster keeps its own.
  'matching.wv.VersionDrainageStatusVisibilityGracePeriod': '5s',
  'matching.wv.VersionDrainageStatusRefreshInterval': '5s',
};

/** With its write-ahead log SQLite does 1.5 times as many gates a second as without. */
const sqlitePragmas = { journal_mode: 'wal', synchronous: 'normal' };

export interface DevServer {
  program: Program;
  address: string;
  ui: string;
}

/**
 * The real Temporal server with its UI, as one process, its state in the data directory. `tuned` false leaves every
 * setting at the server's own default: what benchmarks compare with.
 */
export function devServer(
  cli: string,
  dataDir: string,
  ports: { grpc: number; ui: number },
  namespace = 'default',
  tuned = true,
): DevServer {
  const database = join(dataDir, 'temporal.db');
  const pidFile = join(dataDir, 'temporal.pid');
  const address = `127.0.0.1:${ports.grpc}`;
  const pairs = (flag: string, values: object) =>
    Object.entries(values).flatMap(([k, v]) => [flag, `${k}=${String(v)}`]);
  const args = ['server', 'start-dev', '--ip', '127.0.0.1', '--port', `${ports.grpc}`, '--ui-port', `${ports.ui}`];
  args.push('--namespace', namespace, '--db-filename', database, '--log-level', 'error', '--ui-disable-news-fetch');
  args.push(...searchAttributes.flatMap((name) => ['--search-attribute', `${name}=Keyword`]));
  if (tuned)
    args.push(...pairs('--sqlite-pragma', sqlitePragmas), ...pairs('--dynamic-config-value', asJson(dynamicConfig)));
  return {
    address,
    ui: `http://127.0.0.1:${ports.ui}`,
    program: {
      name: 'Temporal',
      command: cli,
      args,
      env: childEnvironment(tuned ? { GOGC: '400' } : {}),
      user: null,
      ipc: false,
      stopSignal: 'SIGTERM',
      logFile: logFile(dataDir, 'temporal'),
      prepare: () => endLeftover(pidFile, database, 'SIGTERM'),
      ready: async ({ pid }: ChildProcess, abandoned) => {
        writeFileSync(pidFile, String(pid));
        await untilAnswers(address, namespace, abandoned);
      },
    },
  };
}

const asJson = (values: object): object =>
  Object.fromEntries(Object.entries(values).map(([k, v]) => [k, JSON.stringify(v)]));

async function untilAnswers(address: string, namespace: string, abandoned: AbortSignal): Promise<void> {
  for (;;) {
    try {
      // Without the SDK's own retries: one that falls due after the connection was closed ends the process.
      const connection = await Connection.connect({ address, connectTimeout: 1000, interceptors: [] });
      try {
        await connection.workflowService.describeNamespace({ namespace });
        return;
      } finally {
        await connection.close();
      }
    } catch (error) {
      if (abandoned.aborted) throw error;
      await delay(50);
    }
  }
}
