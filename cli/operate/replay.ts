import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import type { Config } from '../../config';
import { workflowBundle } from '../../workers/bundle';
import { runningLocal } from '../local-file';
import { CliError, exits } from './exit';
import { print, printJson } from './print';

type History = Parameters<typeof Worker.runReplayHistory>[1];

/** As `temporal workflow show --output json` prints it, or as test/replay keeps it; packed or not. */
function ofFile(file: string): History {
  const bytes = readFileSync(file);
  const text = (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString();
  try {
    const { events } = JSON.parse(text) as { events: unknown[] };
    return historyFromJSON({ events });
  } catch (error) {
    throw new CliError(`${file} is no history: ${(error as Error).message}`, exits.usage);
  }
}

/** Of a workflow on the server: TEMPORAL_ADDRESS, else the installation that runs here. */
async function ofWorkflow(config: Config, workflowId: string): Promise<History> {
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const address = config.temporalAddress ?? (await runningLocal(config.dataDir))?.temporal_address;
  if (!address)
    throw new CliError(`There is no file ${workflowId}, and no Temporal server to look for such a workflow: set TEMPORAL_ADDRESS.`, exits.unreachable);
  const connection = await Connection.connect({ ...connectionOptions, address }).catch((error: Error) => {
    throw new CliError(`Temporal at ${address} does not answer: ${error.message}`, exits.unreachable);
  });
  try {
    return await new Client({ connection, namespace }).workflow.getHandle(workflowId).fetchHistory();
  } catch (error) {
    throw new CliError(`No workflow ${workflowId}: ${(error as Error).message}`, exits.notFound);
  } finally {
    await connection.close();
  }
} // prettier-ignore

/** Whether today's workflows would go the way that a history went. @throws CliError when they would not */
export async function replay(config: Config, what: string, { json }: { json?: boolean }): Promise<void> {
  const history = existsSync(what) ? ofFile(what) : await ofWorkflow(config, what);
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const { codePath } = await workflowBundle(join(config.dataDir, 'cache'));
  const error = await Worker.runReplayHistory({ workflowBundle: { codePath } }, history).then(
    () => null,
    (e: unknown) => (e as Error).message.split('\n')[0] ?? '',
  );
  if (json) printJson({ replays: error === null, error });
  else if (error === null) print(`${what} replays with this version.`);
  if (error !== null) throw new CliError(`${what} does not replay with this version: ${error}`, exits.failed);
}
