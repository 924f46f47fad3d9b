import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../cli/free-port';
import { Supervisor } from '../cli/supervise';
import type { Config } from '../config';
import type { Form } from '../proofs/proof';
import { withDefaultServer, withFloor } from './floor/floor';
import { contestants, type Contestant } from './peers/contestants';
import { withEngine } from './peers/engine';
import { installPeers } from './peers/install';
import { assertRows, callers, compared, started, timeDecisions, turn, type Found } from './peers/measure';
import type { Setup } from './peers/peer';
import { restateServer } from './peers/restate-server';
import type { Row } from './row';
import { withStack } from './stack';

const rounds = 3;

/**
 * The same job in other engines: open a gate (a row), decide it from outside (the row again), see the result. The rows are
 * in one Postgres; what was acknowledged is on disk with all of them. In turn, in one run; medians of the rounds.
 */
export async function peers(config: Config, seconds: number, form: Form): Promise<Row[]> {
  await installPeers();
  return withDefaultServer(config, form, (address) =>
    withStack(
      config,
      (stack) =>
        withFloor(address, (_client, queue) =>
          withRestate(async (restate) => {
            const all = await contestants(stack, { address, queue }, restate, form);
            return withEngines(all, (found) => inTurn(found, seconds));
          }),
        ),
      form,
    ),
  );
}

async function inTurn(all: Found[], seconds: number): Promise<Row[]> {
  for (let round = 0; round < rounds; round += 1) {
    for (const one of all) await timeDecisions(one);
    for (const atOnce of callers) for (const one of all) await turn(one, atOnce, seconds);
  }
  for (const one of all) await assertRows(one);
  return compared(all);
}

/** All of them run at once; each waits while another has its turn. */
function withEngines<T>(
  [next, ...rest]: Contestant[],
  work: (found: Found[]) => Promise<T>,
  before: Found[] = [],
): Promise<T> {
  if (!next) return work(before);
  return withEngine(next, async (engine) => withEngines(rest, work, [...before, await started(next, engine)]));
}

async function withRestate<T>(work: (setup: Setup) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'wheelhouse-restate-'));
  const supervisor = new Supervisor((line) => process.stderr.write(`  ${line}\n`));
  const kept = supervisor.removeWhenKilled(folder);
  try {
    const [ingress = 0, admin = 0, node = 0, port = 0] = await freePorts(4);
    const server = restateServer(folder, { ingress, admin, node });
    await supervisor.start(server.program);
    return await work({ ingress: server.ingress, admin: server.admin, port: String(port) });
  } finally {
    await supervisor.stop();
    rmSync(folder, { recursive: true, force: true });
    kept.release();
  }
}
