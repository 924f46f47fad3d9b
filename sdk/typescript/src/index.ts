export { AgentOrchestrationClient, AgentOrchestrationClient as Wheelhouse } from './client.js';
export { Connection, type ClientOptions } from './connection.js';
export * from './errors.js';
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
export { Listing, type Page } from './listing.js';
export type { Socket, WebSocketClass } from './sockets.js';
export type { CallOptions } from './wire.js';
export type { components, paths } from './generated/openapi.cjs';
