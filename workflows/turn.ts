import { condition, setHandler } from '@temporalio/workflow';
import { turn } from './messages';

/**
 * More runs may be spawned than may work at once: each asks whether it is its turn, and where it is not, again when it is
 * called. The row decides, so a call that comes twice, or too late, does nothing.
 */
export function hearTurn(): (begin: () => Promise<boolean>) => Promise<void> {
  let called = 0;
  setHandler(turn, () => void (called += 1));
  return async (begin) => {
    for (;;) {
      const before = called;
      if (await begin()) return;
      await condition(() => called !== before);
    }
  };
}
