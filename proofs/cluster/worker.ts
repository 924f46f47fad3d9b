import { serve } from '../../cli/serve';
import { loadConfig } from '../../config';
import { soleWorker } from '../../workers/main';
import { approvedBeforehand, effectTools } from './effect';
import { planned } from './plan';

// The product's worker with a tool that reaches the sink and an agent that follows a plan.

const [sinkUrl = ''] = process.argv.slice(2);
const config = loadConfig();
const tools = effectTools(sinkUrl, config.credentialProvider?.url ?? null);
const added = { tools, harnesses: [planned], policies: approvedBeforehand };
serve((c) => soleWorker(c, added), config).then(
  () => process.exit(),
  (e: unknown) => {
    process.stderr.write(`${e instanceof Error ? (e.stack ?? e.message) : String(e)}\n`);
    process.exit(1);
  },
);
