import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { OpenTelemetryWorkflowClientInterceptor } from '@temporalio/interceptors-opentelemetry';
import { root, type Config } from '../config';
import { transactionSources } from '../db/transactions/sources';
import { createLogger } from '../log/logger';
import { openKernel } from '../log/open';
import { startTracing } from '../log/tracing';
import { openPipeline, type PipelineExtensions } from '../pipeline/open';
import { createWorkshop } from '../pipeline/rego/workshop';
import { openWazuh } from '../pipeline/wazuh/wazuh';
import { createApp } from './http/app';
import { watchGroups } from '../workers/tool-processes';
import type { Kernel } from './kernel';
import { closeSockets } from './http/socket-server';
import { onUpgrade, UpgradableMessage } from './http/upgrade';
import { sessionsOf } from './mcp/sessions';
import { operations, sockets } from './registry';
import { temporalGateway } from './temporal';

/** Stateless: start as many as you like. Serves reads while Temporal is away. */
export async function startApi(
  config: Config,
  added: PipelineExtensions = {},
): Promise<{ url: string; close(): Promise<void> }> {
  const logger = createLogger(config.logLevel, 'api');
  const tracing = await startTracing(config, 'api');
  const opened = await openKernel(config, logger);
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const connection = Connection.lazy({
    ...connectionOptions,
    ...(config.temporalAddress && { address: config.temporalAddress }),
  });
  const client = new Client({
    connection,
    namespace,
    interceptors: { workflow: tracing ? [new OpenTelemetryWorkflowClientInterceptor()] : [] },
  });
  const temporal = temporalGateway(connection, client, config, namespace);
  const transactions = transactionSources(config.transactionView);
  const wazuh = config.wazuh && openWazuh(config.wazuh);
  const watcher = watchGroups();
  const about = {
    policyDir: join(root, 'policy/compiled'),
    policyThread: join(root, 'dist/pipeline/rego/thread.js'),
    transactions,
    watcher,
    logger,
  };
  const { pipeline, close: closePipeline } = await openPipeline(config, opened, about, added);
  const workshop = createWorkshop(root, (err) => logger.warn({ err }, 'a policy that was tried failed'));
  const kernel: Kernel = { config, ...opened, temporal, transactions, pipeline, workshop, wazuh, logger };
  const app = createApp(kernel, operations, sockets);
  const server = createServer({ IncomingMessage: UpgradableMessage }, app).on('upgrade', onUpgrade(app));
  server.requestTimeout = 300_000; // uploads
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(config.port, config.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const host = ['0.0.0.0', '::'].includes(config.host) ? '127.0.0.1' : config.host;
  logger.info({ port }, 'the API is listening');
  return {
    url: `http://${host}:${port}`,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      closeSockets(kernel);
      sessionsOf(kernel).closeAll();
      const patience = setTimeout(() => server.closeAllConnections(), 3_000);
      await closed;
      clearTimeout(patience);
      await temporal.settled();
      await connection.close();
      await opened.pool.end();
      await closePipeline();
      await workshop.close();
      await transactions.close();
      await tracing?.shutdown();
    },
  };
}
