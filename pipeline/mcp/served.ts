import { z } from 'zod';
import { isServer, keepListing, servedTools, serverById, type ServedTool, type Server } from '../../db/tools';
import type { Write } from '../../db/tx';
import { BadGateway, Conflict } from '../../domain/errors';
import { system } from '../../domain/principal';
import { governedBy, splitName, type ListedTool } from '../../domain/tool-server';
import { digestOf } from '../../log/canonical';
import { unseal } from '../../log/keys';
import type { Store } from '../../log/store';
import { tool, type Tool } from '../call';
import { referencesIn } from '../references';
import { assertMeant, callTool } from './call';
import type { Connections, Endpoint } from './connections';
import { programFor, secretsOf, type Programs } from './programs';
import { fitsSchema } from './schemas';

export interface ServedDeps {
  store: Store;
  masterKey: Buffer;
  connections: Connections;
  programs: Programs;
}

const Secrets = z.object({ headers: z.record(z.string(), z.string()) });

/** @throws BadGateway when the installation has no such command */
export function endpointOf(
  { masterKey, programs }: Pick<ServedDeps, 'masterKey' | 'programs'>,
  server: Server,
): Endpoint {
  const { transport } = server.row.settings;
  if (transport.kind === 'stdio') {
    const program = programFor(programs, transport.command, server.slug);
    if (!program) throw new BadGateway(`this installation has no command ${transport.command} for this tenant`);
    return { kind: 'stdio', program };
  }
  const sealed = server.sealed && unseal(masterKey, server.sealed, secretsOf(server.row.id)).toString('utf8');
  return { kind: 'http', url: transport.url, headers: sealed ? Secrets.parse(JSON.parse(sealed)).headers : {} };
}
export const keyOf = ({ row }: Pick<Server, 'row'>): string => `${row.id}:${row.revision}`;

const placeOf = ({ row }: Server): string => {
  const { transport } = row.settings;
  return transport.kind === 'http' ? new URL(transport.url).origin : `command ${transport.command}`;
};

/** Takes over what a server lists, and says in the log what changed. */
export async function keepListed(tx: Write, serverId: string, listed: readonly ListedTool[]): Promise<void> {
  await tx.query('select from tools where id = $1 for no key update', [serverId]);
  const server = await serverById(tx, serverId);
  if (!server) return; // deleted meanwhile
  const { changed, gone } = await keepListing(tx, server.row, listed);
  if (changed.length + gone.length === 0) return;
  tx.log({
    kind: 'tool_server.tools_changed',
    actor: system,
    subject: { kind: 'tool', id: server.row.id },
    body: { tool_id: server.row.number, name: server.row.name, changed, gone },
  });
}

/** A server's tool as the pipeline takes it. */
function toolOf(deps: ServedDeps, { server, tool: listed }: ServedTool): Tool {
  const { row } = server;
  const full = `${row.name}.${listed.name}`;
  const governed = governedBy(row.settings, listed);
  const args = z.record(z.string(), z.unknown()).superRefine((value, context) => {
    const wrong = fitsSchema(`${listed.digest}:inputSchema`, listed.inputSchema)(value);
    if (wrong !== null) context.addIssue({ code: 'custom', message: wrong });
  });
  const meant = (tenantId: string, signal: AbortSignal) => ({
    full,
    tool: listed,
    timeoutMs: row.settings.timeoutMs,
    signal,
    onChanged: (now: readonly ListedTool[]) => deps.store.write(tenantId, (tx) => keepListed(tx, row.id, now)),
  });
  const at = (signal: AbortSignal) => ({ key: keyOf(server), endpoint: () => endpointOf(deps, server), signal });
  return tool({
    name: full,
    description: listed.description,
    effect: governed.effect,
    scope: 'tools:call',
    content: governed.content,
    args,
    inputSchema: listed.inputSchema,
    definition: digestOf({ server: row.id, transport: row.settings.transport, tool: listed.digest }),
    target: () => placeOf(server),
    slow: () => Promise.resolve(true),
    lends: row.settings.leases,
    confirm: (tenantId, signal) =>
      deps.connections.use(at(signal), (client) => assertMeant(client, meant(tenantId, signal))),
    async run(given, { call, effect, signal, hide }) {
      // Whether the attempt before reached the server is not known, and this one would do it a second time.
      if (effect !== null && effect.attempt > 1 && !governed.repeatable)
        throw new Conflict(`${full} may have been carried out by an earlier attempt, and cannot be repeated`);
      const confiding = referencesIn(call.args).length > 0;
      return deps.connections.use({ ...at(signal), hide, confiding }, (client) =>
        callTool(client, { ...meant(call.tenantId, signal), args: given, effect, hide }),
      );
    },
  });
}

/** The tools of a tenant's servers: none of them is there for another. */
export interface ServedTools {
  find(tenantId: string, name: string): Promise<Tool | null>;
  /** Whether it is a name of one of the tenant's servers: one that is off, or does not list it, keeps it from everybody. */
  isTaken(tenantId: string, name: string): Promise<boolean>;
  all(tenantId: string): Promise<Tool[]>;
}
export function servedBy(deps: ServedDeps): ServedTools {
  const usable = (all: readonly ServedTool[]): Tool[] =>
    all
      .filter(({ server, tool }) => tool.problem === null && governedBy(server.row.settings, tool).enabled)
      .map((served) => toolOf(deps, served));
  return {
    async find(tenantId, name) {
      const split = splitName(name);
      if (!split) return null;
      const found = await deps.store.read(tenantId, (tx) => servedTools(tx, split.server, split.tool));
      return usable(found)[0] ?? null;
    },
    async isTaken(tenantId, name) {
      const split = splitName(name);
      return split !== null && deps.store.read(tenantId, (tx) => isServer(tx, split.server));
    },
    all: async (tenantId) => usable(await deps.store.read(tenantId, (tx) => servedTools(tx, null, null))),
  };
}
