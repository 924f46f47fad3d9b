import { performance } from 'node:perf_hooks';

/** How long the stages before the execution may take together. */
export interface Deadline {
  /** By this process's own clock, which only goes forward. */
  over(): boolean;
  /** What `work` gives, or null when it is late: nobody waits for it any more. */
  race<T>(work: T | Promise<T>): Promise<T | null>;
}

export function deadlineIn(ms: number): Deadline {
  const until = performance.now() + ms;
  return {
    over: () => performance.now() > until,
    async race(work) {
      if (!(work instanceof Promise)) return work;
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<null>((resolve) => {
        timer = setTimeout(() => resolve(null), Math.max(0, until - performance.now()));
      });
      try {
        return await Promise.race([work, late]);
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

/** Of calls that are tried again until they have an answer. */
export const noDeadline: Deadline = { over: () => false, race: (work) => Promise.resolve(work) };
