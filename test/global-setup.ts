import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findBinary, temporalCli, testServer } from '../cli/binaries';
import { devServer } from '../cli/dev-server';
import { embeddedPostgres } from '../cli/embedded-postgres';
import { freePorts } from '../cli/free-port';
import { Supervisor } from '../cli/supervise';
import { childEnvironment, loadConfig, root } from '../config';
import { migrate } from '../db/migrate';
import { findOpa } from '../pipeline/opa';
import { databaseUrl, execute, stackVariable, templateDatabase, type Stack } from './stack';

declare global {
  var tearDownStack: (() => Promise<void>) | undefined;
}

const inMemory = '/dev/shm';
const roomFor = 4 * 2 ** 30;

/**
 * Where files are made fastest: a database of a test's own is about a thousand of them, copied and taken away again, which
 * costs a disk's file system a third of a second of a core, and memory a twentieth.
 */
function quickFolder(): string {
  if (!existsSync(inMemory)) return tmpdir();
  const { bavail, bsize } = statfsSync(inMemory);
  return bavail * bsize < roomFor ? tmpdir() : inMemory;
}

/** Real parts for the whole run, in a folder of their own, so that it can go on beside `npm start` and other checkouts. */
export default async function globalSetup(): Promise<void> {
  // For the tests that run the program itself.
  execFileSync(process.execPath, [join(root, 'scripts/build.mjs')]);
  // Only what takes long to get is shared with an installation: its cache.
  const shared = loadConfig().dataDir;
  const folder = mkdtempSync(join(quickFolder(), 'wheelhouse-test-'));
  chmodSync(folder, 0o711);
  const supervisor = new Supervisor((line) => process.stderr.write(`${line}\n`));
  supervisor.removeWhenKilled(folder);
  globalThis.tearDownStack = async () => {
    await supervisor.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const [postgres, server, bundle] = await Promise.all([
      startPostgres(supervisor, folder),
      startTemporal(supervisor, folder, shared),
      bundleWorkflows(shared),
      // Built once, which takes minutes: a request for it would not wait so long. Those that need it say that it is missing.
      findOpa(root).catch((e: Error) => process.stderr.write(`${e.message}\n`)),
    ]);
    process.env[stackVariable] = JSON.stringify({ postgres, ...server, bundle } satisfies Stack);
  } catch (error) {
    await globalThis.tearDownStack();
    throw error;
  }
}

async function startPostgres(supervisor: Supervisor, folder: string): Promise<string> {
  const [port = 0] = await freePorts(1);
  const { program, url } = await embeddedPostgres({
    dataDir: folder,
    port,
    durable: false,
  });
  await supervisor.start(program);
  await execute(url, `create database ${templateDatabase}`);
  await migrate(databaseUrl(url, templateDatabase));
  return databaseUrl(url, 'postgres');
}

async function startTemporal(supervisor: Supervisor, folder: string, shared: string) {
  const search = {
    dataDir: shared,
    path: childEnvironment({})['PATH'] ?? '',
    report: () => undefined,
    signal: supervisor.stopped,
  };
  const cli = await findBinary(temporalCli, search);
  const [grpc = 0, ui = 0] = await freePorts(2);
  const { program, address } = devServer(cli, folder, { grpc, ui });
  // What has ended is deleted once it is written down how far the server has come: left alone, every half minute.
  program.args.push('--dynamic-config-value', 'history.transferProcessorUpdateAckInterval="1s"');
  const [testServerPath] = await Promise.all([findBinary(testServer, search), supervisor.start(program)]);
  return { temporalAddress: address, temporalCli: cli, testServerPath };
}

async function bundleWorkflows(shared: string): Promise<Stack['bundle']> {
  const path = join(root, 'workers/bundle.ts');
  if (!existsSync(path)) return { error: `${path} does not exist` };
  const { workflowBundle } = (await import(path)) as {
    workflowBundle: (cacheDir: string) => Promise<{ codePath: string }>;
  };
  try {
    return { codePath: (await workflowBundle(join(shared, 'cache'))).codePath };
  } catch (error) {
    // Told to the tests that need it: the others can still run.
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
