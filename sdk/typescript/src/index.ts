export { AgentOrchestrationClient, AgentOrchestrationClient as Wheelhouse } from './client.js';
export { Connection, type ClientOptions } from './connection.js';
export * from './errors.js';
export {
  Agents,
  type Agent,
  type AgentChange,
  type AgentFilter,
  type ListedAgent,
  type NewAgent,
} from './groups/agents.js';
export { Audit, type LogEntry, type LogFilter, type LogSearch } from './groups/audit.js';
export { Execution, type ToolCall } from './groups/execution.js';
export { Gates, type Gate, type GateFilter, type WaitingGate } from './groups/gates.js';
export {
  Investigations,
  type Investigation,
  type InvestigationFilter,
  type ListedInvestigation,
  type Recommendation,
} from './groups/investigations.js';
export { Runs, type ListedRun, type Run, type RunFilter } from './groups/runs.js';
export {
  Tickets,
  type ListedTicket,
  type NewNote,
  type NewTicket,
  type StatusChange,
  type Ticket,
  type TicketFilter,
} from './groups/tickets.js';
export { Tasks, type ListedTask, type NewTask, type Task, type TaskFilter } from './groups/tasks.js';
export { Workflows, type NewWorkflow, type Workflow, type WorkflowExecution } from './groups/workflows.js';
export { Listing, type Page } from './listing.js';
export type { Socket, WebSocketClass } from './sockets.js';
export type { Watch, WatchOptions } from './watch.js';
export type { CallOptions } from './wire.js';
export type { components, paths } from './generated/openapi.cjs';
