import { percentile } from '../bench/row';
import { caller, type Caller } from './crash/caller';
import { judge } from './crash/judge';
import { promptOf, withCluster, type Cluster, type Link, type Part } from './cluster/cluster';
import type { Point } from './cluster/link';
import type { Options, Outcome, Proof } from './proof';
import { random, type Random } from './random';

/** A kill: who dies, and where; no point: at that moment. */
interface Kill {
  name: string;
  victims: (c: Cluster) => Part[];
  at?: { link: (c: Cluster) => Link; point: Point };
}

const worker = (c: Cluster): Part[] => c.parts.workers;
const api = (c: Cluster): Part[] => c.parts.apis;
const everyone = (c: Cluster): Part[] => [...c.parts.workers, ...c.parts.apis, c.parts.temporal];
const at = (link: (c: Cluster) => Link, point: Point) => ({ link, point });
const firstApi = (c: Cluster): Link => c.links.callerApi[0] as Link;

const kills: readonly Kill[] = [
  { name: 'worker', victims: worker },
  { name: 'api', victims: api },
  { name: 'postgres', victims: (c) => [c.parts.postgres] },
  { name: 'temporal', victims: (c) => [c.parts.temporal] },
  { name: 'worker@before-commit', victims: worker, at: at((c) => c.links.workerPostgres, 'before-commit') },
  { name: 'worker@after-commit', victims: worker, at: at((c) => c.links.workerPostgres, 'after-commit') },
  { name: 'everyone@after-commit', victims: everyone, at: at((c) => c.links.workerPostgres, 'after-commit') },
  { name: 'api@before-commit', victims: api, at: at((c) => c.links.apiPostgres, 'before-commit') },
  { name: 'api@after-commit', victims: api, at: at((c) => c.links.apiPostgres, 'after-commit') },
  { name: 'worker@before-effect', victims: worker, at: at((c) => c.links.workerSink, 'before-effect') },
  { name: 'worker@after-effect', victims: worker, at: at((c) => c.links.workerSink, 'after-effect') },
  { name: 'api@before-ack', victims: api, at: at(firstApi, 'before-ack') },
  { name: 'api@after-ack', victims: api, at: at(firstApi, 'after-ack') },
];

/** Kills, and gives the moment; what dies at a point dies while its bytes are held, and they are lost. */
async function strike(c: Cluster, kill: Kill): Promise<number> {
  const victims = kill.victims(c);
  const now = async (): Promise<number> => {
    await Promise.all(victims.map((v) => v.kill()));
    return performance.now();
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

/** What callers do: an agent with effects and perhaps a proposal, or a change that is decided twice, opposite ways. */
async function life(c: Cluster, calls: Caller, chance: Random): Promise<void> {
  const post = (path: string, body: object, token = c.token): ReturnType<Caller['post']> =>
    calls.post(path, token, body);
  const ticket = Number((await post('/api/tickets', { title: 'crash', auto_assign: false })).body['id']);
  if (chance.fraction() < 0.5) {
    const prompt = promptOf({ effects: 2, slow: chance.below(2), reads: 1, propose: chance.fraction() < 0.3 });
    await post(`/api/tickets/${ticket}/assign-agent`, { prompt });
    await post(`/api/tickets/${ticket}/notes`, { body: 'look again' });
    return;
  }
  const asked = await post('/api/changes/request', { ticket_id: ticket, action: 'a', target: 't' });
  const id = Number(asked.body['change_id']);
  const verdicts = chance.fraction() < 0.5 ? (['approve', 'reject'] as const) : (['reject', 'approve'] as const);
  const heard = await Promise.all(verdicts.map((v) => post(`/api/changes/${id}/${v}`, {}, c.approver)));
  const approved = heard.find((h, i) => h.status < 300 && verdicts[i] === 'approve');
  if (heard.filter((h) => h.status < 300).length !== 1)
    throw new Error(`change ${id}: ${heard.map((h, i) => `${verdicts[i]} ${h.status}`).join(', ')}`);
  if (approved) await post(`/api/changes/${id}/complete`, { result: 'done' });
}

const callersAtOnce = 3;

async function run({ config, count, seed, form, say }: Options): Promise<Outcome> {
  return withCluster({ config, form }, async (c) => {
    const chance = random(seed);
    const calls = caller(c.apiUrls);
    const violations: string[] = [];
    const recovery: number[] = [];
    const by = new Map<string, number>();
    let over = false;
    const callers = Array.from({ length: callersAtOnce }, async () => {
      while (!over) await life(c, calls, chance).catch((e: unknown) => violations.push(String(e)));
    });
    for (let n = 0; n < count; n += 1) {
      const kill = n < kills.length ? (kills[n] as Kill) : chance.pick(kills);
      const killed = await strike(c, kill);
      const next = calls.next();
      await Promise.all(kill.victims(c).map((v) => v.start()));
      const took = (await next) - killed;
      recovery.push(took);
      by.set(kill.name, (by.get(kill.name) ?? 0) + 1);
      say(`${n + 1}/${count} ${kill.name}: ${(took / 1000).toFixed(1)} s`);
    }
    over = true;
    await Promise.all(callers);
    await c.settle().catch((e: unknown) => violations.push(`stuck: ${String(e)}`));
    violations.push(...(await judge(c, calls.acknowledged)));
    const p99 = percentile(recovery, 0.99);
    const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)}s`;
    return {
      figures: {
        kills: [...by].map(([name, times]) => `${name}:${times}`).join(','),
        acknowledged: calls.acknowledged.length,
        repeats: calls.repeats,
        effects: c.sink.lines().length,
        recovery_p50: seconds(percentile(recovery, 0.5)),
        recovery_p99: seconds(p99),
        recovery_within_10s: p99 <= 10_000 ? 'yes' : 'no',
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
  quick: 20,
  run,
};
