import { Connection } from './connection.js';
import { Agents } from './groups/agents.js';
import { Audit } from './groups/audit.js';
import { Execution } from './groups/execution.js';
import { Gates } from './groups/gates.js';
import { Investigations } from './groups/investigations.js';
import { Runs } from './groups/runs.js';
import { Tasks } from './groups/tasks.js';
import { Tickets } from './groups/tickets.js';
import { Workflows } from './groups/workflows.js';

/**
 * Everything over one connection. A page that needs little takes the groups it needs instead: `new Tickets(new Connection(…))`
 * brings no other.
 */
export class AgentOrchestrationClient extends Connection {
  readonly agents = new Agents(this);
  readonly tasks = new Tasks(this);
  readonly workflows = new Workflows(this);
  readonly tickets = new Tickets(this);
  readonly runs = new Runs(this);
  readonly gates = new Gates(this);
  readonly investigations = new Investigations(this);
  readonly audit = new Audit(this);
  readonly execution = new Execution(this);
}
