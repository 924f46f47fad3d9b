import { forgetListing, listedTools, lockTool, saveServer, sealSecrets, tools as rows } from '../../../db/tools';
import type { Write } from '../../../db/tx';
import { wireScope } from '../../../domain/access';
import { Conflict, Invalid, NotFound } from '../../../domain/errors';
import { tied, type ServerSettings, type ServerTransport } from '../../../domain/tool-server';
import type { ToolRow } from '../../../domain/tool-server.schema';
import { seal } from '../../../log/keys';
import { programFor, secretsOf } from '../../../pipeline/mcp/programs';
import type { tools } from '../../contracts/agentic/tools';
import type { Ctx, Handlers } from '../../kernel';

type ServerHandlers = Pick<Handlers<typeof tools>, 'createToolServer' | 'updateToolServer' | 'deleteToolServer'>;
type Body = Parameters<ServerHandlers['updateToolServer']>[0]['body'];

const mostServers = 40;
const usualTimeoutMs = 30_000;
/** First parts of the names of built-in tools: a server of such a name could pass its tools off as those. */
const taken = new Set(['logs', 'knowledge', 'blueprints', 'tickets', 'vault', 'site', 'wheelhouse']);

const wrong = (field: string, what: string): Invalid => new Invalid(`${field}: ${what}`, { field });

/** @throws Invalid for a command that the operator allows this tenant not */
async function transportOf(ctx: Ctx, tx: Write, body: Body): Promise<ServerTransport | null> {
  const { command, url } = body;
  const kind = body.transport ?? (url !== undefined ? 'http' : command !== undefined ? 'stdio' : null);
  if (kind === null) return null;
  if (kind === 'http') {
    if (url === undefined) throw wrong('url', 'a server over http needs one');
    if (command !== undefined) throw wrong('command', 'a server over http has none');
    return { kind, url };
  }
  if (command === undefined) throw wrong('command', 'a server over stdio needs one');
  if (url !== undefined) throw wrong('url', 'a server over stdio has none');
  const { rows: found } = await tx.query<{ slug: string }>('select slug from tenants where id = $1', [ctx.tenantId]);
  const { programs } = ctx.kernel.config.tools;
  const slug = found[0]?.slug ?? '';
  if (programFor(programs, command, slug)) return { kind, command };
  const allowed = [...programs.keys()].filter((name) => programFor(programs, name, slug));
  throw wrong('command', `must be one that the operator allows: ${allowed.join(', ') || 'none is'}`);
}

/** What is sent along, sealed; null: nothing is; undefined: nobody said. */
function sealedOf(
  ctx: Ctx,
  id: string,
  { kind }: ServerTransport,
  headers: Body['headers'],
): Buffer | null | undefined {
  if (headers === undefined) return kind === 'http' ? undefined : null;
  if (Object.keys(headers).length === 0) return null;
  if (kind === 'stdio')
    throw wrong('headers', 'a server over stdio has none: its environment is the operator’s to say');
  return seal(ctx.kernel.masterKey, JSON.stringify({ headers }), secretsOf(id));
}

const settingsWith = (body: Body, transport: ServerTransport, standing: ServerSettings | null): ServerSettings => ({
  transport,
  timeoutMs: body.timeout_ms ?? standing?.timeoutMs ?? usualTimeoutMs,
  trustAnnotations: body.trust_annotations ?? standing?.trustAnnotations ?? false,
  leases:
    body.leases?.map((l) => ({
      system: l.system, resourceType: l.resource_type, resourceId: l.resource_id, action: l.action,
    })) ?? standing?.leases ?? [], // prettier-ignore
  tools: body.tools
    ? Object.fromEntries(Object.entries(body.tools).map(([name, choice]) => [name, { ...choice, digest: null }]))
    : (standing?.tools ?? {}),
});

/** In the log without what is secret: of the URL its query may be. */
const entry = (ctx: Ctx, what: string, row: ToolRow, headers: Body['headers']) => {
  const { transport, timeoutMs, trustAnnotations, leases, tools } = row.settings as ServerSettings;
  const place =
    transport.kind === 'http'
      ? { url: new URL(transport.url).origin + new URL(transport.url).pathname }
      : { command: transport.command };
  return {
    kind: `tool_server.${what}`,
    actor: ctx.actor,
    subject: { kind: 'tool' as const, id: row.id },
    body: {
      tool_id: row.number, name: row.name, transport: transport.kind, ...place, enabled: row.enabled, timeout_ms: timeoutMs,
      trust_annotations: trustAnnotations, leases: leases.map(wireScope), tools, ...(headers && { headers: Object.keys(headers) }),
    },
  }; // prettier-ignore
};

/** The server, held. @throws NotFound; Conflict for a part of the installation */
async function heldServer(tx: Write, number: number): Promise<ToolRow & { settings: ServerSettings }> {
  const row = await lockTool(tx, number);
  if (!row) throw new NotFound(`no tool ${number}`);
  const { settings } = row;
  if (!settings) throw new Conflict(`${row.name} is a part of the installation: its operator configures it`);
  return { ...row, settings };
}

export const toolServerHandlers: ServerHandlers = {
  createToolServer: ({ body }, ctx) =>
    ctx.write(async (tx) => {
      if (taken.has(body.name)) throw wrong('name', `${body.name} is what built-in tools begin with`);
      const transport = await transportOf(ctx, tx, body);
      if (!transport) throw wrong('url', 'needs a url, or a command');
      const id = ctx.newId();
      const at = new Date().toISOString();
      const sealed = sealedOf(ctx, id, transport, body.headers);
      const standing = await rows.byId(tx, id);
      if (standing) return { id: standing.number, name: standing.name, status: 'created' as const };
      const servers = await rows.list(tx, `where type = 'mcp' and deleted_at is null`, []);
      if (servers.length >= mostServers) throw new Conflict(`there are ${mostServers} tool servers: delete one first`);
      const created = await rows.insert(tx, {
        id, tenantId: ctx.tenantId, number: 0, name: body.name, type: 'mcp', description: body.description ?? '',
        enabled: body.enabled ?? true, settings: settingsWith(body, transport, null), revision: 1, status: 'unknown',
        lastCheck: null, responseTimeMs: null, lastError: null, createdAt: at, updatedAt: at, deletedAt: null,
      }); // prettier-ignore
      if (!created) throw new Conflict(`name: there is a tool ${body.name} already`, { field: 'name' });
      if (sealed) await sealSecrets(tx, id, sealed);
      tx.log(entry(ctx, 'created', created, body.headers));
      return { id: created.number, name: created.name, status: 'created' as const };
    }),

  updateToolServer: ({ params, body }, ctx) =>
    ctx.write(async (tx) => {
      const standing = await heldServer(tx, params.id);
      if (body.name !== undefined && body.name !== standing.name)
        throw wrong('name', `does not change: agents are granted ${standing.name}'s tools by it`);
      const transport = (await transportOf(ctx, tx, body)) ?? standing.settings.transport;
      const moved = JSON.stringify(transport) !== JSON.stringify(standing.settings.transport);
      // What was sent to one server is not sent to another.
      const sealed = sealedOf(ctx, standing.id, transport, body.headers ?? (moved ? {} : undefined));
      if (moved) await forgetListing(tx, standing.id);
      const settings = settingsWith(body, transport, standing.settings);
      const listed = moved ? [] : await listedTools(tx, standing.id);
      const next = await saveServer(
        tx,
        {
          ...standing,
          description: body.description ?? standing.description,
          enabled: body.enabled ?? standing.enabled,
          settings: { ...settings, tools: tied(settings.tools, listed) },
        },
        sealed,
      );
      tx.log(entry(ctx, 'updated', next, body.headers));
      return { id: next.number, name: next.name, status: 'updated' as const };
    }),

  deleteToolServer: ({ params }, ctx) =>
    ctx.write(async (tx) => {
      const standing = await heldServer(tx, params.id);
      await forgetListing(tx, standing.id);
      const gone = await saveServer(tx, { ...standing, enabled: false, deletedAt: new Date().toISOString() }, null);
      tx.log(entry(ctx, 'deleted', gone, undefined));
      return { id: gone.number, name: gone.name, status: 'deleted' as const };
    }),
};
