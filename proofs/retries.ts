import { withStack } from '../bench/stack';
import type { Proof } from './proof';
import { killed } from './retries/killed';
import { repeated } from './retries/repeated';

/** T20: by rounds; each repeats every POST in parallel, and then kills the API at each moment of a repeatable request. */
export const retries: Proof = {
  title: 'one Idempotency-Key has one effect, for one principal, route and body, also when the API dies on the way',
  quick: 1,
  run: async (options) => {
    const [first, second] = [
      await withStack(options.config, (stack) => repeated(options, stack), options.form),
      await killed(options),
    ];
    return {
      figures: { ...first.figures, ...second.figures },
      violations: [...first.violations, ...second.violations],
    };
  },
};
