import { join } from 'node:path';
import { percentile } from '../bench/row';
import { judge } from './crash/judge';
import { journal, type Acknowledgement } from './crash/journal';
import { opposed } from './crash/opposed';
import { soon } from './cluster/soon';
import { withCluster, type Cluster, type Link, type Part } from './cluster/cluster';
import type { Point } from './cluster/link';
import type { Options, Outcome, Proof } from './proof';
import { random } from './random';

/** A kill: who dies, and where; no point: at that moment. */
interface Kill {
  name: string;
  victims: (c: Cluster, callers: Part) => Part[];
  at?: { link: (c: Cluster) => Link; point: Point };
}

const worker = (c: Cluster): Part[] => c.parts.workers;
const api = (c: Cluster): Part[] => c.parts.apis;
const sink = (c: Cluster): Part[] => [c.parts.sink];
const opposite = 'everyone@after-decision';
const everyone = (c: Cluster): Part[] => [...c.parts.workers, ...c.parts.apis, c.parts.temporal];
const at = (link: (c: Cluster) => Link, point: Point) => ({ link, point });
const firstApi = (c: Cluster): Link => c.links.callerApi[0] as Link;

const kills: readonly Kill[] = [
  { name: 'worker', victims: worker },
  { name: 'api', victims: api },
  { name: 'postgres', victims: (c) => [c.parts.postgres] },
  { name: 'temporal', victims: (c) => [c.parts.temporal] },
  { name: 'sink', victims: sink },
  { name: 'callers', victims: (_c, callers) => [callers] },
  // Worker, caller and server between a decision's commit and its workflow task's completion; then the opposite decision.
  { name: opposite, victims: () => [] },
  { name: 'worker@before-commit', victims: worker, at: at((c) => c.links.workerPostgres, 'before-commit') },
  { name: 'worker@after-commit', victims: worker, at: at((c) => c.links.workerPostgres, 'after-commit') },
  { name: 'everyone@after-commit', victims: everyone, at: at((c) => c.links.workerPostgres, 'after-commit') },
  { name: 'api@before-commit', victims: api, at: at((c) => c.links.apiPostgres, 'before-commit') },
  { name: 'api@after-commit', victims: api, at: at((c) => c.links.apiPostgres, 'after-commit') },
  { name: 'worker@before-effect', victims: worker, at: at((c) => c.links.workerSink, 'before-effect') },
  { name: 'sink@before-effect', victims: sink, at: at((c) => c.links.workerSink, 'before-effect') },
  { name: 'sink@after-effect', victims: sink, at: at((c) => c.links.workerSink, 'after-effect') },
  { name: 'worker@after-effect', victims: worker, at: at((c) => c.links.workerSink, 'after-effect') },
  { name: 'api@before-ack', victims: api, at: at(firstApi, 'before-ack') },
  { name: 'api@after-ack', victims: api, at: at(firstApi, 'after-ack') },
];

/** Kills, and gives the moment; what dies at a point dies while its bytes are held, and they are lost. */
async function strike(c: Cluster, kill: Kill, victims: readonly Part[]): Promise<number> {
  const now = async (): Promise<number> => {
    await Promise.all(victims.map((v) => v.kill()));
    return Date.now();
  };
  if (!kill.at) return now();
  const { link, point } = kill.at;
  return new Promise((resolve, reject) => {
    link(c).onPoint({
      point,
      then: async () => {
        await now().then(resolve, reject);
        return 'drop';
      },
    });
  });
}

/** A key has one answer, whoever was killed between its repeats. */
function sameAnswers(acknowledged: readonly Acknowledgement[]): { repeated: number; violations: string[] } {
  const first = new Map<string, Acknowledgement>();
  const violations: string[] = [];
  for (const a of acknowledged) {
    const before = first.get(a.key) ?? a;
    first.set(a.key, before);
    if (before.status !== a.status || (a.status < 300 && JSON.stringify(before.body) !== JSON.stringify(a.body)))
      violations.push(`${a.path}: ${before.status} ${JSON.stringify(before.body)}, and with the same key ${a.status} ${JSON.stringify(a.body)}`); // prettier-ignore
  }
  return { repeated: acknowledged.length - first.size, violations };
}

const callersAtOnce = 3;
/** What recovery may take, in seconds: its p99. Of few kills the p99 is the slowest, on whatever machine runs CI. */
const recoveryLimit = (count: number): number => (count >= 100 ? 10 : 30);

async function run({ config, count, seed, form, say }: Options): Promise<Outcome> {
  return withCluster({ config, form }, async (c) => {
    const chance = random(seed);
    const file = join(c.folder, 'callers.jsonl');
    const args = [file, String(seed), String(callersAtOnce), c.token, c.approver, ...c.apiUrls];
    const callers = c.process('callers', 'proofs/crash/calling.js', args);
    const written = journal(file);
    const violations: string[] = [];
    const recovery: number[] = [];
    const by = new Map<string, number>();
    await callers.start();
    for (let n = 0; n < count; n += 1) {
      const kill = n < kills.length ? (kills[n] as Kill) : chance.pick(kills);
      let took: number;
      if (kill.name === opposite) {
        const { killed, answered, wrong } = await soon(`the point of ${opposite}`, opposed(c, callers));
        violations.push(...wrong);
        took = answered - killed;
      } else {
        const victims = kill.victims(c, callers);
        const killed = await soon(`the point of ${kill.name}`, strike(c, kill, victims));
        const next = written.next();
        await Promise.all(victims.map((v) => v.start()));
        took = (await next) - killed;
      }
      recovery.push(took);
      by.set(kill.name, (by.get(kill.name) ?? 0) + 1);
      say(`${n + 1}/${count} ${kill.name}: ${(took / 1000).toFixed(1)} s`);
    }
    await callers.stop();
    await c.settle().catch((e: unknown) => violations.push(`stuck: ${String(e)}`));
    const acknowledged = written.acknowledged();
    const same = sameAnswers(acknowledged);
    violations.push(...written.read().flatMap((l) => (l.kind === 'wrong' ? [l.what] : [])));
    violations.push(...same.violations, ...(await judge(c, acknowledged)));
    const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)}s`;
    const p99 = percentile(recovery, 0.99);
    const limit = recoveryLimit(count) * 1000;
    if (p99 > limit) violations.push(`recovery took ${seconds(p99)} at p99, more than ${seconds(limit)}`);
    return {
      figures: {
        kills: [...by].map(([name, times]) => `${name}:${times}`).join(','),
        acknowledged: acknowledged.length,
        repeated_keys: same.repeated,
        effects: c.sink.lines().length,
        recovery_p50: seconds(percentile(recovery, 0.5)),
        recovery_p99: seconds(p99),
        recovery_limit: seconds(limit),
        recovery_max: seconds(Math.max(...recovery)),
        workflow_task_timeout: '4s',
        sticky_timeout: '1s',
      },
      violations,
    };
  });
}

export const crash: Proof = {
  title: 'SIGKILL of every part, at random and at named points: nothing acknowledged is lost, nothing happens twice',
  quick: kills.length,
  run,
};
