import type { LeaseScope } from './harness';

/** What agents and this installation lean on: tool servers of a tenant's, and the parts that the installation has itself. */
export const toolTypes = ['mcp', 'builtin', 'integration'] as const;

export const toolStatuses = ['healthy', 'degraded', 'down', 'unknown'] as const;
export type ToolStatus = (typeof toolStatuses)[number];

/** A command that the operator of the installation allows, by its name; or an address. */
export type ServerTransport = { kind: 'stdio'; command: string } | { kind: 'http'; url: string };

/** What people say of one tool of a server's; what they do not say is as its kind has it. */
export interface ToolChoice {
  /** `read`: it changes nothing outside, and needs no approval. */
  effect?: 'read' | 'external' | undefined;
  content?: 'prose' | 'instruction' | undefined;
  /** A repeat under the same key does nothing more. */
  repeatable?: boolean | undefined;
  enabled?: boolean | undefined;
  /** Of the tool that people meant: for another definition it does not count. Null until the tool is first listed. */
  digest: string | null;
}

export interface ServerSettings {
  transport: ServerTransport;
  /** Of one call. */
  timeoutMs: number;
  /** Believe what the server itself says of its tools: which only read, which may be repeated. */
  trustAnnotations: boolean;
  /** What of leases may be sent to it, as globs: a reference in an argument of a call of its tools stands for such a one. */
  leases: LeaseScope[];
  tools: Record<string, ToolChoice>;
}

export interface Annotations {
  readOnlyHint?: boolean | undefined;
  destructiveHint?: boolean | undefined;
  idempotentHint?: boolean | undefined;
  openWorldHint?: boolean | undefined;
}

/** A tool as its server listed it. */
export interface ListedTool {
  name: string;
  description: string;
  inputSchema: Record<string, unknown>;
  outputSchema: Record<string, unknown> | null;
  annotations: Annotations;
  /** sha256 over the canonical JSON of everything that the server said of it. */
  digest: string;
  /** Why it cannot be called; null when it can. */
  problem: string | null;
}

export interface Governed {
  effect: 'read' | 'external';
  content: 'prose' | 'instruction';
  repeatable: boolean;
  enabled: boolean;
}

/**
 * How a listed tool is dealt with: as people say, else as the server says where it is believed, else with all caution. A
 * definition that changed is none that anybody spoke of.
 */
export function governedBy(
  { tools, trustAnnotations }: Pick<ServerSettings, 'tools' | 'trustAnnotations'>,
  { name, digest, annotations }: Pick<ListedTool, 'name' | 'digest' | 'annotations'>,
): Governed {
  const said = Object.hasOwn(tools, name) ? tools[name] : undefined;
  const meant = said?.digest === digest ? said : undefined;
  const believed = trustAnnotations ? annotations : {};
  return {
    effect: meant?.effect ?? (believed.readOnlyHint === true ? 'read' : 'external'),
    content: meant?.content ?? 'instruction',
    repeatable: meant?.repeatable ?? believed.idempotentHint === true,
    // What was switched off stays off, whatever it has become.
    enabled: said?.enabled ?? true,
  };
}

/** What people said of tools, tied to what these are by now, where it was said before anybody had seen them. */
export const tied = (tools: ServerSettings['tools'], listed: readonly ListedTool[]): ServerSettings['tools'] =>
  Object.fromEntries(
    Object.entries(tools).map(([name, choice]) => [
      name,
      { ...choice, digest: choice.digest ?? listed.find((l) => l.name === name)?.digest ?? null },
    ]),
  );

export const serverName = /^[a-z][a-z0-9_-]{0,39}$/;
export const toolName = /^[A-Za-z0-9_-]{1,64}(\.[A-Za-z0-9_-]{1,64}){0,3}$/;

/** `server.tool`, apart; null when it is no such name. */
export function splitName(full: string): { server: string; tool: string } | null {
  const at = full.indexOf('.');
  const [server, tool] = [full.slice(0, at), full.slice(at + 1)];
  return at > 0 && serverName.test(server) && toolName.test(tool) ? { server, tool } : null;
}

/** What one look at a tool came to. */
export interface Checked {
  status: Exclude<ToolStatus, 'unknown'>;
  responseTimeMs: number | null;
  error: string | null;
}
