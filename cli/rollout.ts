import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection, isGrpcServiceError, type WorkflowClient } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { Config } from '../config';
import { runningLocal } from './local-file';

const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** temporal.api.enums.v1.VersionDrainageStatus; a version that new runs go to has none. */
const drainage = ['active', 'draining', 'drained'] as const;
/** temporal.api.workflow.v1.VersioningOverride.PinnedOverrideBehavior */
const PINNED = 1;
/** Of gRPC. */
const NOT_FOUND = 5;

export interface Version {
  buildId: string;
  /** Where new runs go. */
  current: boolean;
  /** As the server says: active, or whether pinned runs are left. Null for one that never was current. */
  drainage: (typeof drainage)[number] | null;
  /** Workflows that still run on it. */
  open: number;
}

const lastAt = (time: { seconds?: unknown; nanos?: number | null } | null | undefined): number =>
  Number(time?.seconds ?? 0) + (time?.nanos ?? 0) / 1e9;

/** The worker versions of one deployment, as an operator rolls them. */
export class Rollout {
  constructor(
    private readonly connection: Connection,
    private readonly workflows: WorkflowClient,
    private readonly namespace: string,
    private readonly deploymentName: string,
  ) {}

  /** Oldest first. */
  async versions(): Promise<Version[]> {
    const { namespace, deploymentName } = this;
    const request = { namespace, deploymentName };
    const { workerDeploymentInfo: info } = await this.connection.workflowService.describeWorkerDeployment(request);
    const current = info?.routingConfig?.currentDeploymentVersion?.buildId ?? null;
    const summaries = [...(info?.versionSummaries ?? [])].sort(
      (a, b) => Number(a.createTime?.seconds ?? 0) - Number(b.createTime?.seconds ?? 0),
    );
    return Promise.all(
      summaries.map(async ({ deploymentVersion, drainageInfo, lastCurrentTime }) => {
        const buildId = deploymentVersion?.buildId ?? '';
        const isCurrent = buildId === current;
        const known = isCurrent || lastCurrentTime ? (drainage[Number(drainageInfo?.status ?? 0)] ?? null) : null;
        return { buildId, current: isCurrent, drainage: known, open: await this.open(buildId) };
      }),
    );
  }

  /** @throws Error of the server's: no worker of that version polls, or not all of its queues */
  async promote(buildId: string): Promise<void> {
    const { namespace, deploymentName } = this;
    const { conflictToken } = await this.connection.workflowService.describeWorkerDeployment({
      namespace,
      deploymentName,
    });
    await this.connection.workflowService.setWorkerDeploymentCurrentVersion({
      namespace,
      deploymentName,
      buildId,
      conflictToken: conflictToken ?? null,
      identity: 'wheelhouse rollout',
    });
  }

  /**
   * New runs go again to the version that they went to before; null: to workers without a version, for there was none. What
   * runs stays where it is, as always.
   */
  async rollback(): Promise<string | null> {
    const { namespace, deploymentName } = this;
    const { workerDeploymentInfo: info } = await this.connection.workflowService.describeWorkerDeployment({
      namespace,
      deploymentName,
    });
    const current = info?.routingConfig?.currentDeploymentVersion?.buildId;
    if (!current) throw new Error(`no version of ${deploymentName} is current: there is nothing to go back from`);
    const before = (info.versionSummaries ?? [])
      .filter((v) => v.deploymentVersion?.buildId !== current && v.lastCurrentTime)
      .sort((a, b) => lastAt(b.lastDeactivationTime) - lastAt(a.lastDeactivationTime))[0]?.deploymentVersion?.buildId;
    await this.promote(before ?? '');
    return before ?? null;
  }

  /** Resolves when the server says that nothing runs on it any more. */
  async untilDrained(buildId: string, withinMs: number): Promise<void> {
    const deadline = Date.now() + withinMs;
    for (;;) {
      const version = this.known(await this.versions(), buildId);
      if (version.current) throw new Error(`${buildId} is where new runs go: promote another version first`);
      if (version.drainage === 'drained' && version.open === 0) return;
      if (Date.now() > deadline)
        throw new Error(`after ${withinMs / 1000} s ${version.open} workflows still run on ${buildId}`);
      await delay(Math.min(1_000, Math.max(0, deadline - Date.now())) + 1);
    }
  }

  /** Whatever runs on that version goes on with the current one. Answers how many workflows. */
  async moveOn(buildId: string): Promise<number> {
    const versions = await this.versions();
    this.known(versions, buildId);
    const current = versions.find((v) => v.current);
    if (!current || current.buildId === buildId)
      throw new Error(`there is no version to move to: promote one that is not ${buildId}`);
    let moved = 0;
    for await (const { workflowId, runId } of this.workflows.list({ query: this.runningOn(buildId) })) {
      if (await this.pin({ workflowId, runId }, current.buildId)) moved += 1;
    }
    return moved;
  }

  private known(versions: readonly Version[], buildId: string): Version {
    const version = versions.find((v) => v.buildId === buildId);
    if (!version)
      throw new Error(`${this.deploymentName} has no version ${buildId}: \`wheelhouse rollout status\` lists them`);
    return version;
  }

  /** False when it has ended meanwhile: lists lag behind. */
  private async pin(workflowExecution: { workflowId: string; runId: string }, buildId: string): Promise<boolean> {
    const version = { deploymentName: this.deploymentName, buildId };
    try {
      await this.connection.workflowService.updateWorkflowExecutionOptions({
        namespace: this.namespace,
        workflowExecution,
        updateMask: { paths: ['versioning_override'] },
        workflowExecutionOptions: { versioningOverride: { pinned: { behavior: PINNED, version } } },
      });
      return true;
    } catch (e) {
      if (!isGrpcServiceError(e) || Number(e.code) !== NOT_FOUND) throw e;
      return false;
    }
  }

  private async open(buildId: string): Promise<number> {
    return (await this.workflows.count(this.runningOn(buildId))).count;
  }

  /** The names can't hold a quote: config.ts looks. */
  private runningOn(buildId: string): string {
    if (!/^[A-Za-z0-9_.-]+$/.test(buildId)) throw new Error('build id: letters, digits, _, . and -');
    const version = `${this.deploymentName}:${buildId}`;
    return `TemporalWorkerDeploymentVersion = '${version}' and ExecutionStatus = 'Running'`;
  }
}

/** Against the server of the environment, else the one that runs here. */
async function withRollout<T>(config: Config, work: (rollout: Rollout) => Promise<T>): Promise<T> {
  if (config.workerDeployment === null)
    throw new Error('WORKER_DEPLOYMENT: not set, so workers have no versions and any of them goes on with any run');
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const local = await runningLocal(config.dataDir);
  const address = config.temporalAddress ?? local?.temporal_address ?? connectionOptions.address;
  const connection = await Connection.connect({ ...connectionOptions, ...(address && { address }) }).catch(
    (cause: unknown) => {
      throw new Error(`Temporal does not answer at ${address}`, { cause });
    },
  );
  try {
    const { workflow } = new Client({ connection, namespace });
    return await work(new Rollout(connection, workflow, namespace, config.workerDeployment));
  } finally {
    await connection.close();
  }
}

export const printStatus = (config: Config): Promise<void> =>
  withRollout(config, async (rollout) => {
    for (const { buildId, current, drainage: state, open } of await rollout.versions())
      print(`${current ? '* ' : '  '}${buildId}  ${state ?? 'never current'}  ${open} open`);
  });

export const rollback = (config: Config): Promise<void> =>
  withRollout(config, async (rollout) => {
    const before = await rollout.rollback();
    print(before === null ? 'New runs go to workers without a version.' : `New runs go to ${before} again.`);
  });

export const promote = (config: Config, buildId: string): Promise<void> =>
  withRollout(config, async (rollout) => {
    await rollout.promote(buildId);
    print(`New runs go to ${buildId}.`);
  });

export const untilDrained = (config: Config, buildId: string, withinSeconds: number): Promise<void> =>
  withRollout(config, async (rollout) => {
    await rollout.untilDrained(buildId, withinSeconds * 1000);
    print(`Nothing runs on ${buildId} any more: its workers can be stopped.`);
  });

export const moveOn = (config: Config, buildId: string): Promise<void> =>
  withRollout(config, async (rollout) => {
    print(`${await rollout.moveOn(buildId)} workflows go on with the current version.`);
  });
