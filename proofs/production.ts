import { demoLog, playStory, type Call, type Step } from '../cli/story';
import { judge } from './crash/judge';
import { withCluster, type Cluster } from './cluster/cluster';
import { openLink, type Link } from './cluster/link';
import { door, type Door } from './production/door';
import { readEvents, type Reader } from './production/reader';
import { compare } from './production/streams';
import { asleep, when, woken, type Woken } from './production/wake';
import type { Options, Outcome, Proof } from './proof';
import { random, type Random } from './random';

const log = { name: 'auth.log', text: demoLog() };

/** Links of readers alone, so that a stream can be cut without the calls beside it. */
const readersLinks = (c: Cluster): Promise<Link[]> =>
  Promise.all(c.links.callerApi.map(({ port }, i) => openLink(`reader-api-${i}`, 'http', port)));

/** Cuts the readers' streams in turn, each time that one has been brought a few events since the last cut. */
function cutting(links: readonly Link[], readers: readonly Reader[], chance: Random): () => void {
  let over = false;
  const cut = async (): Promise<void> => {
    for (let n = 0; !over; n += 1) {
      const reader = readers[n % readers.length] as Reader;
      const enough = reader.received.length + 1 + chance.below(4);
      while (!over && reader.received.length < enough) await Promise.race(links.map((l) => l.carried()));
      if (!over) links[reader.received.at(-1)?.via ?? 0]?.reset();
    }
  };
  void cut();
  return () => void (over = true);
}

/** Agents set to work at one API and decided at the other; the worker that has most of them in its cache dies before. */
async function wake(c: Cluster, opens: Door, decides: Door, count: number, say: Options['say']) {
  const waiting = await asleep(c, opens.call, decides.call, count);
  const held = (pid: number | null): number => waiting.filter((w) => w.worker === pid).length;
  const victim = c.parts.workers.reduce((most, w) => (held(w.pid) > held(most.pid) ? w : most));
  const { pid } = victim;
  say(`${count} agents wait for people; ${held(pid)} of them are in the cache of ${victim.name}, which is killed`);
  await victim.kill();
  await Promise.all(waiting.map(({ change }) => decides.call('POST', `/api/changes/${change}/approve`, {})));
  await Promise.all(
    waiting.map(({ agent }) =>
      when(`agent ${agent} to end`, async () => {
        const { status } = await opens.call<{ status: string }>('GET', `/api/agents/${agent}`);
        return ['finished', 'failed', 'stopped', 'terminated'].includes(status) ? status : null;
      }),
    ),
  );
  await victim.start();
  const ends: Woken[] = [];
  for (const w of waiting) ends.push(await woken(c, w));
  return {
    violations: ends.flatMap((e) => e.violations),
    elsewhere: ends.filter((e, i) => e.worker !== waiting[i]?.worker).length,
    workers: new Set(ends.map((e) => e.worker)).size,
  };
}

/** The API that the story is told at dies with the answer on its way that an agent works; a worker dies while it does. */
function deadly(c: Cluster, { call }: Door): { call: Call; tell: (step: Step) => void; killed: Promise<unknown>[] } {
  const killed: Promise<unknown>[] = [];
  const [api] = c.parts.apis;
  return {
    killed,
    call: (method, path, body) => {
      if (path.endsWith('/assign-agent') && killed.length === 0) {
        killed.push(
          new Promise<void>((resolve) =>
            c.links.callerApi[0]?.onPoint({
              point: 'before-ack',
              then: async () => (await api?.kill(), resolve(), 'drop'),
            }),
          ),
        );
      }
      return call(method, path, body);
    },
    tell: ({ title }) => {
      if (title === 'An analyst starts') killed.push(c.parts.workers[1]?.kill() ?? Promise.resolve());
    },
  };
}

async function run({ config, count, seed, form, say }: Options): Promise<Outcome> {
  return withCluster({ config, form, apis: 2, workers: 3 }, async (c) => {
    const links = await readersLinks(c);
    const urls = links.map(({ port }) => `http://127.0.0.1:${port}`);
    const readers: Reader[] = urls.map((_, first) => readEvents(urls, c.token, first));
    try {
      const opens = door(c.apiUrls, c.token);
      const decides = door([...c.apiUrls].reverse(), c.approver);
      const server = { url: c.apiUrls[0] ?? '', token: c.token };
      const stop = cutting(links, readers, random(seed));
      await playStory(server, log, ({ title }) => say(title), { call: opens.call, decide: decides.call });
      const { violations, elsewhere, workers } = await wake(c, opens, decides, count, say);
      stop();

      const again = deadly(c, opens);
      const doors = { call: again.call, decide: decides.call };
      await playStory(server, log, (step) => (again.tell(step), say(`${step.title}, at one API`)), doors);
      await Promise.all(again.killed);
      const alive = c.parts.apis.map((a) => (a.pid === null ? 'dead' : 'alive')).join(' ');
      if (alive !== 'dead alive') violations.push(`the APIs are ${alive}: the story was not told at the second alone`);
      await c.settle().catch((e: unknown) => violations.push(`stuck: ${String(e)}`));
      violations.push(...(await judge(c, [...opens.acknowledged, ...decides.acknowledged])));
      const streams = await compare(c, readers);
      return {
        figures: {
          stories: 2,
          woken: count,
          woken_elsewhere: elsewhere,
          by_workers: workers,
          repeated_calls: opens.repeats + decides.repeats,
          events: streams.events,
          same_on_both: streams.onBoth,
          cuts: readers.reduce((sum, r) => sum + r.cuts, 0),
          effects: c.sink.lines().length,
        },
        violations: [...violations, ...streams.violations],
      };
    } finally {
      await Promise.all(readers.map((r) => r.close()));
      await Promise.all(links.map((l) => l.close()));
    }
  });
}

export const production: Proof = {
  title: 'the story over two APIs and three workers: crossed, cut, and with one of each killed',
  form: 'production',
  quick: 6,
  run,
};
