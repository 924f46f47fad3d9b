import type { Declared } from './declaration';
import { aegis } from './declared/aegis';
import { agentOps } from './declared/agent-ops';
import { agenticDecisions } from './declared/agentic-decisions';
import { agenticWork } from './declared/agentic-work';
import { opsAgent } from './declared/ops-agent';
import { orchestration } from './declared/orchestration';
import { spec } from './declared/spec';

/** By operation, door by door. */
export const declared: Readonly<Record<string, Declared>> = {
  ...agenticWork,
  ...agenticDecisions,
  ...agentOps,
  ...aegis,
  ...opsAgent,
  ...orchestration,
  ...spec,
};
