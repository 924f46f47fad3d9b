import { historyFromJSON } from '@temporalio/common/lib/proto-utils';
import { Worker } from '@temporalio/worker';
import { join } from 'node:path';
import { createLogger } from '../log/logger';
import { workflowBundle } from '../workers/bundle';
import { installRuntime } from '../workers/runtime';
import type { Proof } from './proof';
import { random } from './random';
import { cover } from './replay/coverage';
import { recorded } from './replay/histories';
import { outOfReach } from './replay/out-of-reach';
import { reorderings } from './replay/reorder';

/** Recorded histories replay, take every branch that one can take, and fail when two of their commands are exchanged. */
export const replay: Proof = {
  title: 'workflows replay what was recorded of them, and nothing else',
  quick: 60,
  async run({ config, count, seed, say }) {
    installRuntime(createLogger('silent', 'replay')); // it tells of every replay that fails, as they should
    const histories = recorded();
    const { branches, uncovered, failed } = await cover(
      histories.map((h) => ({ workflowId: h.name, history: historyFromJSON({ events: h.events }) })),
    );
    say(`${histories.length} histories, ${branches} branches`);
    const violations = [
      ...failed,
      ...uncovered.filter((branch) => !(branch in outOfReach)).map((branch) => `no history takes ${branch}`),
      ...Object.keys(outOfReach).filter((branch) => !uncovered.includes(branch)).map((branch) => `${branch} is taken: strike it off`),
    ]; // prettier-ignore

    const chance = random(seed);
    const all = histories.flatMap(reorderings);
    const chosen = Array.from({ length: count }, (_, n) => ({ id: `${n}`, ...chance.pick(all) }));
    const bundle = await workflowBundle(join(config.dataDir, 'cache'));
    let refused = 0;
    const replayed = Worker.runReplayHistories(
      { workflowBundle: bundle },
      chosen.map(({ id, events }) => ({ workflowId: id, history: historyFromJSON({ events }) })),
    );
    for await (const { workflowId, error } of replayed) {
      if (error?.name === 'DeterminismViolationError') refused += 1;
      else {
        const { name, what } = chosen[Number(workflowId)] ?? {};
        violations.push(`${name}: ${what}: ${error ? error.message : 'replays all the same'}`);
      }
    }
    return {
      figures: { histories: histories.length, branches, uncovered: uncovered.length, reorderings: count, refused },
      violations,
    };
  },
};
