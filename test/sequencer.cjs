const { relative } = require('node:path');
const { default: Sequencer } = require('@jest/test-sequencer');

/**
 * What the longest files take, in seconds on two quiet cores. In a fresh clone nobody has measured them yet, and by their
 * size some of them would come last and be waited for alone.
 */
const seconds = {
  'agent-ops/registry': 12,
  'api/access': 14,
  'api/agents': 15,
  'api/openapi': 14,
  'api/orchestration-socket': 12,
  'api/orchestration-tasks': 30,
  'api/publishing': 17,
  'api/repeats': 17,
  'api/resume': 32,
  'api/steering': 20,
  'api/workflow-runs': 17,
  'cli/operate': 15,
  'cli/rollout': 15,
  'cli/up': 21,
  'e2e/investigations-killed': 21,
  'e2e/model-killed': 16,
  'e2e/pipeline-killed': 16,
  'e2e/promotion-killed': 26,
  'e2e/trouble': 18,
  'every-operation': 25,
  'isolation/tables': 16,
  'log/verify': 15,
  'pages/trace': 33,
  'proofs/cluster': 30,
  'replay/replay': 25,
  'sdk/typescript': 30,
  'sdk/python': 25,
  'workflows/access-request': 25,
  'workflows/agent-run': 28,
  'workflows/investigate-transaction': 19,
  'workflows/investigation': 19,
  'workflows/postmortem-promotion': 26,
  'workflows/provider-sync': 20,
  'workflows/ticket-sync': 25,
};

/** The longest first. What this machine has measured counts; else the table; else a millisecond for each byte. */
module.exports = class extends Sequencer {
  time(test) {
    const name = relative(__dirname, test.path).replaceAll('\\', '/').replace('.test.ts', '');
    const told = seconds[name];
    return super.time(test) ?? (told === undefined ? test.context.hasteFS.getSize(test.path) : 1000 * told);
  }
};
