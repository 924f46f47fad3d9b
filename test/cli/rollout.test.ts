import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { v7 } from 'uuid';
import { Rollout } from '../../cli/rollout';
import { childEnvironment, root } from '../../config';
import { openHouse } from '../house';
import { bundlePath, temporal } from '../stack';
import { until } from '../until';

test('a version that nobody knows is refused, not moved', async () => {
  const { address } = temporal();
  const deploymentName = `moves-${v7()}`;
  const [native, connection] = [await NativeConnection.connect({ address }), await Connection.connect({ address })];
  const worker = await Worker.create({
    connection: native,
    taskQueue: deploymentName,
    workflowBundle: { codePath: bundlePath() },
    workerDeploymentOptions: {
      useWorkerVersioning: true,
      version: { deploymentName, buildId: 'a' },
      defaultVersioningBehavior: 'PINNED',
    },
  });
  const rollout = new Rollout(connection, new Client({ connection }).workflow, 'default', deploymentName);
  await worker.runUntil(async () => {
    await until('a to be promoted', () =>
      rollout.promote('a').then(
        () => true,
        () => false,
      ),
    );
    await expect(rollout.moveOn('v9')).rejects.toThrow(
      `${deploymentName} has no version v9: \`wheelhouse rollout status\``,
    );
    await expect(rollout.moveOn('a')).rejects.toThrow('there is no version to move to');
  });
  await Promise.all([native.close(), connection.close()]);
}, 60_000);

test.each([
  ['worker', [], {}],
  ['rollout', ['status'], { WORKER_DEPLOYMENT: 'wheelhouse' }],
])(
  '%s at an address where no Temporal is says so in one line',
  async (command, args, changes) => {
    const house = await openHouse();
    const env = childEnvironment({
    DATABASE_URL: house.url, TEMPORAL_ADDRESS: '127.0.0.1:1', WHEELHOUSE_MASTER_KEY: house.masterKey.toString('base64'), ...changes,
  }); // prettier-ignore
    const said = spawnSync(process.execPath, [join(root, 'dist/cli/main.js'), command, ...args], {
      encoding: 'utf8',
      env,
    });
    await house.close();
    expect([said.status, said.stdout, said.stderr]).toEqual([1, '', 'Temporal does not answer at 127.0.0.1:1\n']);
  },
  60_000,
);
