import { serve } from '../../cli/serve';
import { loadConfig } from '../../config';
import { soleWorker } from '../../workers/main';
import { quick } from './harness';

/** A worker like any other, to which the quick harness is given. Configured by the environment. */
serve((config) => soleWorker(config, { harnesses: [quick] }), loadConfig()).then(
  () => process.exit(0),
  (e: unknown) => {
    process.stderr.write(`${String(e)}\n`);
    process.exit(1);
  },
);
