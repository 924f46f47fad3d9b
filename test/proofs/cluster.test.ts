import { loadConfig } from '../../config';
import { promptOf, withCluster, type Cluster } from '../../proofs/cluster/cluster';
import { client } from '../../cli/story';

const spawnRun = async (c: Cluster, plan: Parameters<typeof promptOf>[0]): Promise<number> => {
  const call = client({ url: c.apiUrls[0] ?? '', token: c.token });
  const { id } = await call<{ id: number }>('POST', '/api/tickets', { title: 'proof', auto_assign: false });
  const run = await call<{ agent_id: number }>('POST', `/api/tickets/${id}/assign-agent`, { prompt: promptOf(plan) });
  return run.agent_id;
};

it('runs an installation whose effects land in the sink once, over kills of every part and of the worker after an effect', async () => {
  await withCluster({ config: loadConfig(), form: 'embedded' }, async (c) => {
    const { postgres, temporal, apis, workers } = c.parts;
    const killed = new Promise<void>((resolve) =>
      c.links.workerSink.onPoint({
        point: 'after-effect',
        then: async () => {
          await workers[0]?.kill();
          resolve();
          return 'drop';
        },
      }),
    );
    await spawnRun(c, { effects: 3, slow: 1, reads: 1 });
    await killed;
    await workers[0]?.start();
    await c.settle();
    for (const part of [postgres, temporal, ...apis, ...workers]) await part.kill();
    await c.settle();
    await spawnRun(c, { effects: 2, propose: true });
    await c.settle();
    const runs = await (await c.owner()).query('select status from runs order by number');
    expect(runs.rows).toEqual([{ status: 'finished' }, { status: 'pending_approval' }]);
    const lines = c.sink.lines();
    expect(lines.map((l) => l.outcome).sort()).toEqual([...Array<string>(5).fill('applied'), 'replayed']);
    const again = lines.find((l) => l.outcome === 'replayed');
    expect(again).toMatchObject({ attempt: 2, fence: 2 });
    expect(new Set(lines.map((l) => l.key)).size).toBe(5);
  });
}, 180_000);
