import { setMaxListeners } from 'node:events';
import { join } from 'node:path';
import { Client } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import {
  OpenTelemetryActivityInboundInterceptor,
  makeWorkflowExporter,
} from '@temporalio/interceptors-opentelemetry/lib/worker';
import type { Context } from '@temporalio/activity';
import { NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import { createActivities } from '../activities';
import type { Config } from '../config';
import { analyst } from '../domain/analyst/analyst';
import { commandHarness } from '../domain/command-harness';
import { queuesOf } from '../domain/queues';
import { reasoner } from '../domain/reasoner/reasoner';
import { remoteHarness } from '../domain/remote-harness';
import { createLogger } from '../log/logger';
import { openKernel } from '../log/open';
import { startTracing } from '../log/tracing';
import { alertNotices, alertRules } from './alerts';
import { gateNoticer } from './gate-notices';
import { bringSitesOver } from '../pipeline/publishing/bring-over';
import { commandNames, commandsOf } from '../runner/commands';
import { reportHarnesses, tendProcesses } from './agent-processes';
import { autoAssigner } from './auto-assign';
import { workflowBundle } from './bundle';
import { createDeps, type Extensions } from './deps';
import { dispatcher } from './dispatcher';
import { initializer } from './initializer';
import { preapprovals } from './preapprovals';
import { syntheses } from './syntheses';
import { refusals } from './failures';
import { keepFilesSwept } from './files';
import { boundHeaps, workflowsToKeep } from './memory';
import { installRuntime } from './runtime';
import { endQuarantinesInTime, quarantiner } from './quarantine';
import { readLog } from './reader';
import { tendRemoteLeases } from './remote-leases';
import { scheduler } from './scheduler';
import { ensureSchedules } from './schedules';
import { tellStalled } from './stalled';
import { starter } from './starter';
import { supervisor } from './supervisor';
import { ticketSyncs } from './ticket-sync';
import { keepTallies } from './tallies';
import { keepRoots } from './transparency';
import { turnCaller } from './turns';
import { keepFoldersSwept } from './work-folders';

export interface RunningWorker {
  close(): Promise<void>;
  /** Rejects when it can't go on. */
  failed: Promise<never>;
}

/** A worker that has its process to itself, and so says how V8 keeps the heaps of that. */
export function soleWorker(config: Config, added: Extensions = {}): Promise<RunningWorker> {
  boundHeaps();
  return startWorker(config, added);
}

/** Workflows and rows, agents' tools, integrations, and commands: four queues, so that a slow one never delays the others. */
export async function startWorker(config: Config, added: Extensions = {}): Promise<RunningWorker> {
  const logger = createLogger(config.logLevel, 'worker');
  installRuntime(logger);
  const tracing = await startTracing(config, 'worker');
  const kernel = await openKernel(config, logger);
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const address = config.temporalAddress ?? connectionOptions.address;
  const connection = await NativeConnection.connect({ ...connectionOptions, ...(address && { address }) }).catch(
    (cause: unknown) => {
      logger.debug({ err: cause }, 'no connection to Temporal');
      throw new Error(`Temporal does not answer at ${address}`, { cause });
    },
  );
  const client = new Client({ connection, namespace });
  const deps = await createDeps(config, kernel, client.workflow, logger, added);
  const activities = createActivities(deps, [
    analyst,
    reasoner,
    remoteHarness,
    ...commandNames(config.agents).map(commandHarness),
    ...(added.harnesses ?? []),
  ]);
  const queues = queuesOf(config.taskQueuePrefix);
  const { codePath, digest } = await workflowBundle(
    join(config.dataDir, 'cache'),
    tracing ? [require.resolve('@temporalio/interceptors-opentelemetry/lib/workflow-interceptors')] : [],
  );
  const shared = {
    connection,
    namespace,
    activities,
    interceptors: {
      activity: [
        () => ({ inbound: refusals }),
        ...(tracing ? [(ctx: Context) => ({ inbound: new OpenTelemetryActivityInboundInterceptor(ctx) })] : []),
      ],
    },
    ...(tracing && { sinks: { exporter: makeWorkflowExporter(tracing.processor, tracing.resource) } }),
    ...versioned(config, digest),
    shutdownGraceTime: '5 seconds',
    shutdownForceTime: '8 seconds',
  } satisfies Partial<WorkerOptions>;
  const workers = await Promise.all([
    Worker.create({
      ...shared,
      taskQueue: queues.lifecycle,
      workflowBundle: { codePath },
      maxCachedWorkflows: config.workflowCache ?? workflowsToKeep(),
      maxConcurrentWorkflowTaskExecutions: 40,
      maxConcurrentLocalActivityExecutions: 200,
      // A decision that meets a dead worker's sticky queue waits this long.
      stickyQueueScheduleToStartTimeout: '1 second',
    }),
    Worker.create({ ...shared, taskQueue: queues.agents, maxConcurrentActivityTaskExecutions: 20 }),
    Worker.create({ ...shared, taskQueue: queues.integrations, maxConcurrentActivityTaskExecutions: 50 }),
    // As many as the machine is to have at a time: the others wait, the most urgent first.
    Worker.create({
      ...shared,
      taskQueue: queues.processes,
      maxConcurrentActivityTaskExecutions: config.agents.maxProcesses,
    }),
  ]);
  const running = workers.map((w) => w.run());
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal); // one or two of each reader
  const around = { store: kernel.store, logger, signal: stopping.signal };
  const readers = [
    dispatcher(client.workflow, logger, stopping.signal),
    turnCaller(client.workflow),
    starter({ temporal: client.workflow, taskQueue: queues.lifecycle, logger }),
    scheduler({ store: kernel.store, schedule: client.schedule, queues }, stopping.signal),
    initializer({ ...config, commands: commandsOf(config.agents) }, kernel.store),
    preapprovals(client.workflow, queues),
    syntheses(client.workflow, queues, kernel.store, stopping.signal),
    ticketSyncs(client.workflow, queues, kernel.store, stopping.signal),
    supervisor(client.workflow, kernel.store, kernel.keyring, stopping.signal),
    autoAssigner(
      {
        temporal: client.workflow,
        store: kernel.store,
        queues,
        gateTtlMs: config.gateTtlMs,
        settings: { ...config, commands: commandsOf(config.agents) },
        most: config.autoAssignmentsPerRule,
      },
      stopping.signal,
    ),
    alertRules,
    quarantiner,
    alertNotices(client.workflow, queues, stopping.signal),
    gateNoticer(client.workflow, queues, kernel.store, stopping.signal),
  ];
  const tended = [
    ...readers.map((reader) => readLog(reader, around)),
    keepTallies(kernel.store, logger, stopping.signal),
    keepRoots({ ...kernel, origin: config.transparency.origin }, logger, stopping.signal),
    tendProcesses(deps, stopping.signal),
    reportHarnesses(deps, stopping.signal),
    tendRemoteLeases(kernel.store, logger, stopping.signal),
    tellStalled(kernel.store, logger, stopping.signal),
    endQuarantinesInTime(kernel.store, logger, stopping.signal),
    bringSitesOver({ ...kernel, dataDir: config.dataDir }, logger, stopping.signal),
    keepFilesSwept(kernel, config.files.sweepSeconds, logger, stopping.signal),
    keepFoldersSwept(deps, config.retentionDays.agent_processes, logger, stopping.signal),
  ];
  await ensureSchedules(client, queues.lifecycle, config);
  logger.info({ queues }, 'the worker polls');

  let closing: Promise<void> | null = null;
  const close = async (): Promise<void> => {
    stopping.abort();
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
    await Promise.allSettled([...running, ...tended]);
    await deps.closePipeline();
    await connection.close();
    await kernel.pool.end();
    await tracing?.shutdown();
  };
  return {
    close: () => (closing ??= close()),
    failed: new Promise<never>((_resolve, reject) => {
      for (const run of [...running, ...tended]) run.catch(reject);
    }),
  };
}

/**
 * All queues belong to the version, so that a pinned workflow's activities run on the code that it was written with.
 * Pinned: what began here ends here, children included, however long people take; `wheelhouse rollout` says how old
 * versions are let go of.
 */
function versioned(config: Config, digest: string): Partial<WorkerOptions> {
  if (config.workerDeployment === null) return {};
  const version = { deploymentName: config.workerDeployment, buildId: config.workerBuildId ?? digest };
  return { workerDeploymentOptions: { useWorkerVersioning: true, version, defaultVersioningBehavior: 'PINNED' } };
}
