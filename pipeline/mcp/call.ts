import { createHash } from 'node:crypto';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { CallToolResultSchema, type CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { BadGateway, Conflict, TooLarge } from '../../domain/errors';
import type { ListedTool } from '../../domain/tool-server';
import type { Effect } from '../call';
import type { Hide } from '../hiding';
import { plainly } from './connections';
import { listingOf } from './listing';
import { fitsSchema } from './schemas';

/** Of what is kept of an answer, as JSON. */
const longest = 256 * 1024;

type Content = CallToolResult['content'][number];

/** Text as it is; of anything else what it was, for the ledger holds no files. */
function kept(content: Content): Record<string, unknown> {
  if (content.type === 'text') return { type: 'text', text: content.text };
  if (content.type === 'resource_link') return { type: 'resource_link', uri: content.uri, name: content.name };
  if (content.type === 'resource' && 'text' in content.resource)
    return { type: 'resource', uri: content.resource.uri, text: content.resource.text };
  const [data, mimeType] =
    content.type === 'resource'
      ? ['blob' in content.resource ? content.resource.blob : '', content.resource.mimeType]
      : [content.data, content.mimeType];
  const bytes = Buffer.from(data, 'base64');
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { type: content.type, mime_type: mimeType ?? null, bytes: bytes.length, sha256 };
}

const saidIn = (content: readonly Content[]): string =>
  content.flatMap((c) => (c.type === 'text' ? [c.text] : [])).join('\n');

/** What a tool answered, as the ledger keeps it. @throws DomainError when it is not what was declared, or too much */
export function resultOf(
  { full, tool, hide = (text) => text }: Pick<Asked, 'full' | 'tool' | 'hide'>,
  { content, structuredContent, isError }: CallToolResult,
) {
  if (isError === true) throw new BadGateway(`${full} failed: ${plainly(hide(saidIn(content)), 2_000)}`);
  if (tool.outputSchema !== null) {
    const wrong =
      structuredContent === undefined
        ? 'it has no structured content'
        : fitsSchema(`${tool.digest}:outputSchema`, tool.outputSchema)(structuredContent);
    if (wrong !== null) throw new BadGateway(`${full} answered otherwise than it declares: ${plainly(hide(wrong))}`);
  }
  const result = { content: content.map(kept), structured_content: structuredContent ?? null };
  if (JSON.stringify(result).length > longest) throw new TooLarge(`${full} answered more than ${longest} characters`);
  return result;
}

export interface Asked {
  /** `server.tool` */
  full: string;
  tool: ListedTool;
  args: Record<string, unknown>;
  effect: Effect | null;
  timeoutMs: number;
  signal: AbortSignal;
  /** Puts references back in the place of secrets, before words are cut. */
  hide?: Hide;
  /** Told what the server's tools are by now, when the one that is called is another than was meant. */
  onChanged(listed: readonly ListedTool[]): Promise<void>;
}

type Meant = Pick<Asked, 'full' | 'tool' | 'timeoutMs' | 'signal' | 'onChanged'>;
const optionsOf = ({ timeoutMs, signal }: Meant) => ({ timeout: timeoutMs, maxTotalTimeout: timeoutMs, signal });

/** Asks the server whether its tool is still the one that was meant. @throws Conflict when it is another */
export async function assertMeant(client: Client, asked: Meant): Promise<void> {
  const { full, tool } = asked;
  const now = await listingOf(client, optionsOf(asked));
  if (now.find((t) => t.name === tool.name)?.digest === tool.digest) return;
  await asked.onChanged(now);
  throw new Conflict(`${full} is no longer what its server said it was: it was not called`);
}

/** Calls a tool, if it is still the one that was meant. @throws Conflict when it is another */
export async function callTool(client: Client, asked: Asked) {
  const { tool, args, effect } = asked;
  const options = optionsOf(asked);
  await assertMeant(client, asked);
  const _meta = effect && { 'wheelhouse/idempotency-key': effect.key, 'wheelhouse/attempt': effect.attempt };
  const result = await client.request(
    { method: 'tools/call', params: { name: tool.name, arguments: args, ...(_meta && { _meta }) } },
    CallToolResultSchema,
    options,
  );
  return resultOf(asked, result);
}
