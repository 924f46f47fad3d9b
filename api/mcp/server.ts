import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CallToolRequestSchema, ErrorCode, ListResourcesRequestSchema, ListResourceTemplatesRequestSchema, ListToolsRequestSchema, McpError,
  ReadResourceRequestSchema, type CallToolResult,
} from '@modelcontextprotocol/sdk/types.js'; // prettier-ignore
import { version } from '../version';
import { confirmed, type Asked } from './confirm';
import { dispatch, type Answered, type Caller } from './dispatch';
import { listed, resourceOf, templates } from './resources';
import { repeatKey, requestOf, tools, toolView, type McpTool } from './tools';

interface Extra {
  authInfo?: { extra?: Record<string, unknown> };
  signal: AbortSignal;
  requestId: string | number;
}

/** The door put it there with each message. */
const callerOf = ({ authInfo }: Extra): Caller => authInfo?.extra?.['caller'] as Caller;

const text = (said: string, isError: boolean): CallToolResult => ({ content: [{ type: 'text', text: said }], isError });

function resultOf({ status, body, retryAfter }: Answered): CallToolResult {
  const said = typeof body === 'string' ? body : JSON.stringify(body);
  if (status < 400) {
    const isObject = typeof body === 'object' && body !== null && !Array.isArray(body);
    return { ...text(said, false), ...(isObject && { structuredContent: body as Record<string, unknown> }) };
  }
  return text(`${status}${retryAfter === null ? '' : `, ask again in ${retryAfter} s`}: ${said}`, true);
}

const notFound = -32002;

const may = ({ principal }: Caller, { op }: McpTool): boolean => principal.scopes.includes(op.access);

/** What one session speaks to: the declared operations as tools, under the scopes of whoever sends each message. */
export function mcpServer(): Server {
  const server = new Server(
    { name: 'wheelhouse', version },
    {
      capabilities: { tools: {}, resources: {} },
      instructions:
        'The control plane for agents in operations. A run is an agent at work on a ticket; a gate is a decision that waits for a person.',
    },
  );
  server.setRequestHandler(ListToolsRequestSchema, (_request, extra) => {
    const caller = callerOf(extra);
    return { tools: [...tools.values()].filter((tool) => may(caller, tool)).map(toolView) };
  });
  server.setRequestHandler(CallToolRequestSchema, async ({ params: { name, arguments: args = {} } }, extra) => {
    const tool = tools.get(name);
    if (!tool) throw new McpError(ErrorCode.InvalidParams, `no tool ${name}`);
    const caller = callerOf(extra);
    const send = (asked: Parameters<typeof dispatch>[1]): Promise<Answered> => dispatch(caller, asked, extra.signal);
    const missing = (tool.only ?? []).filter((key) => args[key] === undefined);
    if (missing.length) return text(`400: ${missing.join(', ')}: required`, true);
    // Whom the operation refuses is refused by it, and nobody is asked.
    if (tool.decides && may(caller, tool)) {
      if (caller.principal.kind === 'agent') return text('403: an agent decides nothing that waits for people', true);
      const change = await send(requestOf(getGate, { change_id: args['change_id'] }));
      if (change.status >= 400) return resultOf(change);
      const about = { relatedRequestId: extra.requestId, signal: extra.signal };
      const kept = await confirmed(server, tool.decides, change.body as Asked, about);
      if (kept !== null) return text(kept, true);
    }
    const key = args[repeatKey];
    return resultOf(await send({ ...requestOf(tool, args), key: typeof key === 'string' ? key : undefined }));
  });
  server.setRequestHandler(ListResourceTemplatesRequestSchema, (_request, extra) => {
    const { principal } = callerOf(extra);
    return {
      resourceTemplates: templates
        .filter(({ op }) => principal.scopes.includes(op.access))
        .map(({ uriTemplate, name, description, mimeType }) => ({ uriTemplate, name, description, mimeType })),
    };
  });
  server.setRequestHandler(ListResourcesRequestSchema, async (_request, extra) => {
    const caller = callerOf(extra);
    return { resources: await listed(caller.principal.scopes, (url) => dispatch(caller, { method: 'GET', url }, extra.signal)) };
  });
  server.setRequestHandler(ReadResourceRequestSchema, async ({ params: { uri } }, extra) => {
    const url = resourceOf(uri);
    if (url === null) throw new McpError(notFound, `no resource ${uri}`);
    const { status, body, type } = await dispatch(callerOf(extra), { method: 'GET', url }, extra.signal);
    if (status === 404) throw new McpError(notFound, `no resource ${uri}`);
    if (status >= 400) throw new McpError(ErrorCode.InvalidRequest, `${status}: ${JSON.stringify(body)}`);
    return { contents: [{ uri, mimeType: type, text: typeof body === 'string' ? body : JSON.stringify(body, null, 2) }] };
  });
  return server;
} // prettier-ignore

const getGate = tools.get('get_gate') as McpTool;
