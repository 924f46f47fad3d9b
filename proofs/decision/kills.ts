import type { Cluster, Link, Part } from '../cluster/cluster';
import type { Point } from '../cluster/link';
import type { Random } from '../random';

interface Kill {
  name: string;
  victims: (c: Cluster) => readonly Part[];
  at?: { link: (c: Cluster) => Link; point: Point };
}

const workers = (c: Cluster): readonly Part[] => c.parts.workers;
const apis = (c: Cluster): readonly Part[] => c.parts.apis;
const kills: readonly Kill[] = [
  { name: 'worker', victims: workers },
  { name: 'api', victims: apis },
  { name: 'worker@after-commit', victims: workers, at: { link: (c) => c.links.workerPostgres, point: 'after-commit' } },
  { name: 'api@before-ack', victims: apis, at: { link: (c) => c.links.callerApi[0] as Link, point: 'before-ack' } },
];

export interface Killing {
  /** Kills that were done, by name. */
  readonly by: ReadonlyMap<string, number>;
  /** One more, unless one is under way: who is killed has to be back before another goes. */
  next(): void;
  /** When everybody is back. @throws what kept one from coming back */
  over(): Promise<void>;
}

/** Kills one of the workers, or one of the APIs, whenever it is told to; the other of them goes on. */
export function killing(c: Cluster, chance: Random): Killing {
  const by = new Map<string, number>();
  let underWay: Promise<void> | null = null;
  let trouble: unknown = null;
  let giveUp: (() => void) | null = null;

  const kill = async ({ name, victims, at }: Kill): Promise<void> => {
    const victim = chance.pick(victims(c));
    if (at) {
      const there = await new Promise<boolean>((resolve) => {
        const takeBack = at.link(c).onPoint({
          point: at.point,
          then: async () => {
            await victim.kill();
            resolve(true);
            return 'drop';
          },
        });
        giveUp = () => (takeBack(), resolve(false));
      });
      giveUp = null;
      if (!there) return;
    } else await victim.kill();
    by.set(name, (by.get(name) ?? 0) + 1);
    await victim.start();
  };
  return {
    by,
    next() {
      if (underWay) return;
      const turn = [...by.values()].reduce((sum, n) => sum + n, 0);
      underWay = kill(kills[turn % kills.length] as Kill)
        .catch((e: unknown) => void (trouble = e))
        .finally(() => (underWay = null));
    },
    async over() {
      giveUp?.();
      await underWay;
      if (trouble instanceof Error) throw trouble;
    },
  };
}
