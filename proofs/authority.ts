import { operations } from '../api/registry';
import { withStack } from '../bench/stack';
import { actorNames } from './authority/actors';
import { cellsOf, sweepForeign, sweepOwn } from './authority/sweep';
import { makeTenant } from './authority/world';
import type { Proof } from './proof';

/** T8: every operation × everybody × tenant × place of an id holds its declared outcome. Counted in cells, by whole rounds. */
export const authority: Proof = {
  title: 'Nobody reaches what their role or tenant does not give them, by any id in any place',
  quick: cellsOf(operations),
  run: ({ config, count, say }) =>
    withStack(config, async ({ local, owner }) => {
      const place = { url: local.url, owner, databaseUrl: local.database_url };
      const told = { cells: 0, held: 0, foreign2xx: 0, violations: [] as string[] };
      while (told.cells < count) {
        const [here, there] = [await makeTenant(place), await makeTenant(place)];
        for (const sweep of [sweepForeign, sweepOwn]) {
          const swept = await sweep({ url: local.url, owner, here, there }, operations);
          told.cells += swept.cells;
          told.held += swept.held;
          told.foreign2xx += swept.foreign2xx;
          told.violations.push(...swept.violations);
        }
        say(`${told.cells} cells, ${told.held} held`);
      }
      const { violations, ...figures } = told;
      return { figures: { ...figures, operations: operations.length, callers: actorNames.length }, violations };
    }),
};
