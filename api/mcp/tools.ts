import { type z } from 'zod';
import { audit } from '../contracts/aegis/audit';
import { agents } from '../contracts/agentic/agents';
import { agentWork } from '../contracts/agentic/agent-work';
import { changes } from '../contracts/agentic/changes';
import { notes } from '../contracts/agentic/notes';
import { tickets } from '../contracts/agentic/tickets';
import { investigations } from '../contracts/ops-agent/investigations';
import type { Operation } from '../operation';
import { schemaOf } from '../schema-of';

type Args = Record<string, unknown>;

/** A tool is a declared operation under a name that says what it is for: what it takes, who may call it and what it does are the operation's. */
export interface McpTool {
  name: string;
  op: Operation;
  /** Instead of the operation's summary, where the tool is narrower. */
  says?: string;
  /** Of what the operation takes, only this; all of it is required. */
  only?: readonly string[];
  /** What is always said with it. */
  fixed?: Args;
  /** A person is asked before it is sent. */
  decides?: 'approve' | 'reject';
}

const table: readonly McpTool[] = [
  { name: 'list_tickets', op: tickets.listTickets },
  { name: 'get_ticket', op: tickets.getTicket },
  { name: 'get_ticket_context', op: tickets.getTicketContext },
  { name: 'create_ticket', op: tickets.createTicket },
  { name: 'add_note', op: notes.addNote },
  { name: 'list_runs', op: agents.listAgents },
  { name: 'get_run', op: agents.getAgent },
  { name: 'start_run', op: agentWork.spawnAgent },
  { name: 'start_run_from_prompt', op: agentWork.createFromPrompt },
  {
    name: 'steer_run',
    op: notes.addNote,
    says: 'Say something to an agent at work: it hears it between two steps, without being interrupted',
    only: ['ticket_id', 'agent_id', 'body'],
    fixed: { source: 'dashboard' },
  },
  { name: 'stop_run', op: agents.stopAgent },
  { name: 'list_gates', op: changes.listChanges },
  { name: 'get_gate', op: changes.getChange },
  { name: 'get_gate_status', op: changes.getChangeStatus },
  { name: 'approve_gate', op: changes.approveChange, decides: 'approve' },
  { name: 'reject_gate', op: changes.rejectChange, decides: 'reject' },
  { name: 'list_investigations', op: investigations.listInvestigations },
  { name: 'run_investigation', op: investigations.runInvestigation },
  { name: 'get_investigation', op: investigations.getInvestigation },
  { name: 'search_log', op: audit.searchAuditLogs },
];
export const tools: ReadonlyMap<string, McpTool> = new Map(table.map((tool) => [tool.name, tool]));

export const methodOf = ({ route }: Operation): string => route.slice(0, route.indexOf(' '));
const pathOf = ({ route }: Operation): string => route.slice(route.indexOf(' ') + 1);
const reads = (op: Operation): boolean => methodOf(op) === 'GET' || op === audit.searchAuditLogs;

interface ObjectSchema {
  properties?: Record<string, object>;
  required?: string[];
}
const objectOf = (schema: z.ZodType | undefined): ObjectSchema => (schema ? schemaOf(schema, 'input') : {});

/** The names that path, query and body take. Held to be different by a test. */
export const partsOf = (op: Operation): [path: string[], query: string[], body: string[]] =>
  [op.params, op.query, op.body].map((part) => Object.keys(objectOf(part).properties ?? {})) as [
    string[],
    string[],
    string[],
  ];

export const repeatKey = 'idempotency_key';

/** As `tools/list` shows it. */
export function toolView({ name, op, says, only, fixed, decides }: McpTool) {
  const parts = [op.params, op.query, op.body].map(objectOf);
  const all = Object.assign({}, ...parts.map(({ properties = {} }) => properties)) as Record<string, object>;
  const shown = Object.entries(all).filter(([key]) => (only?.includes(key) ?? true) && !(fixed && key in fixed));
  const readOnly = reads(op);
  return {
    name,
    description: `${says ?? op.summary}.${decides ? ' The person at the client is asked before it is sent.' : ''}`,
    inputSchema: {
      type: 'object' as const,
      properties: {
        ...Object.fromEntries(shown),
        ...(!readOnly && {
          [repeatKey]: {
            type: 'string',
            pattern: '^[\\x21-\\x7e]{1,200}$',
            description: 'The same for each attempt at one thing: then it is done once, and a repeat gets the first answer',
          },
        }),
      },
      required: only ? [...only] : parts.flatMap(({ required = [] }) => required),
      additionalProperties: false,
    },
    annotations: {
      readOnlyHint: readOnly,
      destructiveHint: op === agents.stopAgent || decides !== undefined,
      idempotentHint: readOnly || op === agents.stopAgent || decides !== undefined,
      openWorldHint: false,
    },
  };
} // prettier-ignore

/** The HTTP request that a call means. What the operation does not know is left in the body, for it to judge. */
export function requestOf({ op, fixed }: McpTool, given: Args): { method: string; url: string; body: Args | undefined } {
  const args = { ...given, ...fixed };
  const [path, query] = partsOf(op);
  const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
  const url = pathOf(op).replace(/:(\w+)/g, (_, key: string) => encodeURIComponent(text(args[key] ?? '')));
  const named = query.filter((key) => args[key] !== undefined).map((key): [string, string] => [key, text(args[key])]);
  const search = new URLSearchParams(named).toString();
  const rest = Object.entries(args).filter(([key]) => ![...path, ...query, repeatKey].includes(key));
  return { method: methodOf(op), url: search ? `${url}?${search}` : url, body: op.body ? Object.fromEntries(rest) : undefined };
} // prettier-ignore
