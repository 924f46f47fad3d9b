import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { logFile } from '../../cli/log-file';
import type { Program } from '../../cli/supervise';
import { childEnvironment } from '../../config';
import { restateBinary } from './install';

/** Restate's server as it comes: its log, which waits for the disk, in the folder; on loopback alone. */
export function restateServer(
  folder: string,
  ports: { ingress: number; admin: number; node: number },
): { program: Program; ingress: string; admin: string } {
  const at = (port: number): string => `127.0.0.1:${port}`;
  const baseDir = join(folder, 'restate');
  mkdirSync(baseDir, { recursive: true });
  const admin = `http://${at(ports.admin)}`;
  const program: Program = {
    name: 'Restate',
    command: restateBinary(),
    args: ['--listen-mode', 'tcp', '--bind-address', at(ports.node), '--base-dir', baseDir, '--no-logo'],
    env: childEnvironment({
      RESTATE_INGRESS__BIND_ADDRESS: at(ports.ingress),
      RESTATE_ADMIN__BIND_ADDRESS: at(ports.admin),
      RESTATE_ADVERTISED_ADDRESS: `http://${at(ports.node)}`,
      RESTATE_DISABLE_TELEMETRY: 'true',
      RESTATE_LOG_FILTER: 'warn',
    }),
    user: null,
    ipc: false,
    stopSignal: 'SIGTERM',
    logFile: logFile(folder, 'restate'),
    prepare: () => Promise.resolve(),
    ready: (_child, abandoned) => untilHealthy(`${admin}/health`, abandoned),
  };
  return { program, admin, ingress: `http://${at(ports.ingress)}` };
}

async function untilHealthy(url: string, abandoned: AbortSignal): Promise<void> {
  while (!(await fetch(url).catch(() => null))?.ok) {
    if (abandoned.aborted) throw new Error('it ended');
    await delay(50);
  }
}
