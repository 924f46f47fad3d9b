import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { z } from 'zod';
import { toolName, type ListedTool } from '../../domain/tool-server';
import { AnnotationsSchema } from '../../domain/tool-server.schema';
import { digestOf } from '../../log/canonical';
import { filterOutput } from '../output-filter';
import { fitsSchema } from './schemas';

const mostPages = 20;
const mostTools = 200;
/** Milliseconds that reading all of them may take: whoever reads does nothing else meanwhile. */
const patienceMs = 5_000;
/** Of one tool's definition, as JSON. */
const longest = 64 * 1024;

/** Tool by tool, so that one that is ill-formed hides none of the others. */
const Page = z.object({ tools: z.array(z.record(z.string(), z.unknown())), nextCursor: z.string().optional() });
const Definition = z.object({
  name: z.string().regex(toolName, 'no name that a tool can be called by'),
  description: z.string().optional(),
  inputSchema: z.looseObject({ type: z.literal('object') }),
  outputSchema: z.looseObject({ type: z.literal('object') }).optional(),
  annotations: AnnotationsSchema.optional(),
});

/** @throws Error with what keeps it from being called */
function assertCallable(definition: z.output<typeof Definition>, digest: string, length: number): void {
  if (length > longest) throw new Error(`its definition is longer than ${longest} characters`);
  for (const part of ['inputSchema', 'outputSchema'] as const) {
    const schema = definition[part];
    if (!schema) continue;
    try {
      fitsSchema(`${digest}:${part}`, schema);
    } catch (e) {
      throw new Error(`${part}: ${(e as Error).message}`, { cause: e });
    }
  }
}

/** One tool as its server says it is; null for one that has not even a name. */
export function listed(said: Record<string, unknown>): ListedTool | null {
  const raw = filterOutput(said).value as Record<string, unknown>;
  const { name } = raw;
  if (typeof name !== 'string' || name === '') return null;
  const digest = digestOf(raw);
  const parsed = Definition.safeParse(raw);
  const none = {
    name: name.slice(0, 128),
    description: '',
    inputSchema: {},
    outputSchema: null,
    annotations: {},
    digest,
  };
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return { ...none, problem: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`.slice(0, 300) };
  }
  const { description = '', inputSchema, outputSchema = null, annotations = {} } = parsed.data;
  try {
    assertCallable(parsed.data, digest, JSON.stringify(raw).length);
  } catch (e) {
    return { ...none, problem: (e as Error).message };
  }
  return {
    name,
    description: description.slice(0, 4_000),
    inputSchema,
    outputSchema,
    annotations,
    digest,
    problem: null,
  };
}

/** All tools that a server has by now. @throws Error when it does not say so in order, or has too many */
export async function listingOf(
  client: Client,
  options: { timeout: number; signal: AbortSignal },
): Promise<ListedTool[]> {
  const all = new Map<string, ListedTool>();
  let cursor: string | undefined;
  let [count, spent] = [0, 0];
  for (let page = 0; ; page += 1) {
    if (page === mostPages) throw new Error(`its list of tools has more than ${mostPages} pages`);
    const params = cursor === undefined ? {} : { cursor };
    const { tools, nextCursor } = await client.request({ method: 'tools/list', params }, Page, options);
    count += tools.length;
    if (count > mostTools) throw new Error(`it has more than ${mostTools} tools`);
    for (const said of tools) {
      const from = performance.now();
      const tool = listed(said);
      spent += performance.now() - from;
      if (spent > patienceMs) throw new Error(`its tools take longer than ${patienceMs / 1000} s to read`);
      await nextTurn();
      if (!tool) continue;
      // Two of one name: nobody could tell which is meant.
      all.set(tool.name, all.has(tool.name) ? { ...tool, problem: 'it is listed twice' } : tool);
    }
    if (nextCursor === undefined) return [...all.values()];
    cursor = nextCursor;
  }
}
