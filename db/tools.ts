import { z } from 'zod';
import { InstantSchema } from '../domain/common.schema';
import { tied, type Checked, type ListedTool, type ServerSettings, type ToolStatus } from '../domain/tool-server';
import { ListedSchema, ToolSchema, type ToolRow } from '../domain/tool-server.schema';
import { entity } from './entity';
import type { Read } from './tx';

export const tools = entity('tools', ToolSchema, ['number']);

/** A tool server with what is sent along, which nobody else is shown. */
export interface Server {
  row: ToolRow & { settings: ServerSettings };
  sealed: Buffer | null;
  /** Of its tenant. */
  slug: string;
}
const serverOf = (row: Record<string, unknown>): Server => {
  const parsed = tools.parse(row);
  const { settings } = parsed;
  if (!settings) throw new Error(`tool ${parsed.id} is no server`);
  return { row: { ...parsed, settings }, sealed: row['sealed'] as Buffer | null, slug: String(row['slug']) };
};
const serverColumns = `${tools.columns()}, tools.secrets_sealed as sealed, (select slug from tenants where id = tools.tenant_id) as slug`;

const listedColumns = (alias: string): string =>
  `jsonb_build_object('name', ${alias}.name, 'description', ${alias}.description, 'inputSchema', ${alias}.input_schema,
     'outputSchema', ${alias}.output_schema, 'annotations', ${alias}.annotations, 'digest', ${alias}.digest,
     'problem', ${alias}.problem) as listed`;

export const listTools = (tx: Read): Promise<ToolRow[]> =>
  tools.list(tx, 'where deleted_at is null order by number', []);

export async function toolByNumber(tx: Read, number: number): Promise<ToolRow | null> {
  const [found] = await tools.list(tx, 'where number = $1 and deleted_at is null', [number]);
  return found ?? null;
}

/** The same, held until the transaction ends. */
export async function lockTool(tx: Read, number: number): Promise<ToolRow | null> {
  const [found] = await tools.list(tx, 'where number = $1 and deleted_at is null for no key update', [number]);
  return found ?? null;
}

export async function serverById(tx: Read, id: string): Promise<Server | null> {
  const { rows } = await tx.query(
    `select ${serverColumns} from tools where id = $1 and type = 'mcp' and deleted_at is null`,
    [id],
  );
  return rows[0] ? serverOf(rows[0]) : null;
}

export interface ServedTool {
  server: Server;
  tool: ListedTool;
}
/** The tools of all servers that are switched on, or of the one of that name; `tool` null: all that it has. */
export async function servedTools(tx: Read, server: string | null, tool: string | null): Promise<ServedTool[]> {
  const { rows } = await tx.query(
    `select ${serverColumns}, ${listedColumns('t')} from tools join server_tools t on t.server_id = tools.id
     where tools.type = 'mcp' and tools.enabled and tools.deleted_at is null
       and ($1::text is null or tools.name = $1) and ($2::text is null or t.name = $2) order by tools.number, t.name`,
    [server, tool],
  );
  return rows.map((r) => ({ server: serverOf(r), tool: ListedSchema.parse(r['listed']) }));
}

/** Whether a server of that name is there, switched on or not: what it does not serve is nobody's. */
export async function isServer(tx: Read, name: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    `select 1 from tools where name = $1 and type = 'mcp' and deleted_at is null`,
    [name],
    'is server',
  );
  return rowCount === 1;
}

export async function listedTools(tx: Read, serverId: string): Promise<ListedTool[]> {
  const { rows } = await tx.query(
    `select ${listedColumns('t')} from server_tools t where server_id = $1 order by name`,
    [serverId],
  );
  return rows.map((r) => ListedSchema.parse(r['listed']));
}

/** Writes what people may change; the tool is held. `sealed` undefined: what is sent along stays as it is. */
export async function saveServer(tx: Read, row: ToolRow, sealed: Buffer | null | undefined): Promise<ToolRow> {
  const { rows } = await tx.query(
    `update tools set description = $2, enabled = $3, settings = $4, revision = revision + 1, updated_at = now(),
       secrets_sealed = case when $5 then $6 else secrets_sealed end,
       status = case when settings -> 'transport' = $4::jsonb -> 'transport' then status else 'unknown' end,
       deleted_at = case when $7 then now() end
     where id = $1 returning ${tools.columns()}`,
    [row.id, row.description, row.enabled, row.settings, sealed !== undefined, sealed ?? null, row.deletedAt !== null],
  );
  return tools.parse(rows[0]);
}

export const forgetListing = (tx: Read, serverId: string) =>
  tx.query('delete from server_tools where server_id = $1', [serverId]);

export const sealSecrets = (tx: Read, id: string, sealed: Buffer) =>
  tx.query('update tools set secrets_sealed = $2 where id = $1', [id, sealed]);

/** Which of a server's tools are other than they were: those that are new or changed, and those that are gone. */
export interface ListingChange {
  changed: string[];
  gone: string[];
}
/** Takes what a server lists for its tools from now on, and ties to it what people said before they saw it. The server is held. */
export async function keepListing(tx: Read, server: ToolRow, listed: readonly ListedTool[]): Promise<ListingChange> {
  const { rows: gone } = await tx.query<{ name: string }>(
    'delete from server_tools where server_id = $1 and not name = any($2) returning name',
    [server.id, listed.map((l) => l.name)],
  );
  const { rows: changed } = await tx.query<{ name: string }>(
    `insert into server_tools as t (tenant_id, server_id, name, description, input_schema, output_schema, annotations, digest, problem)
     select $1, $2, l.name, l.description, l."inputSchema", nullif(l."outputSchema", 'null'), l.annotations, l.digest, l.problem
     from jsonb_to_recordset($3) as l (name text, description text, "inputSchema" jsonb, "outputSchema" jsonb,
       annotations jsonb, digest text, problem text)
     on conflict (server_id, name) do update set description = excluded.description, input_schema = excluded.input_schema,
       output_schema = excluded.output_schema, annotations = excluded.annotations, digest = excluded.digest,
       problem = excluded.problem, listed_at = now()
     where t.digest <> excluded.digest or t.problem is distinct from excluded.problem returning name`,
    [tx.tenantId, server.id, JSON.stringify(listed)],
  );
  if (server.settings)
    await tx.query(`update tools set settings = jsonb_set(settings, '{tools}', $2) where id = $1`, [
      server.id,
      tied(server.settings.tools, listed),
    ]);
  return { changed: changed.map((r) => r.name), gone: gone.map((r) => r.name) };
}

const Check = z.object({
  id: z.uuid(),
  toolId: z.uuid(),
  at: InstantSchema,
  status: z.enum(['healthy', 'degraded', 'down']),
  responseTimeMs: z.number().nullable(),
  error: z.string().nullable(),
});
export type Check = z.output<typeof Check>;
const checkColumns = `id, tool_id as "toolId", checked_at as at, status, response_time_ms as "responseTimeMs", error`;

/** Once for an id: a repeat gives what stands. `before` is the status that it had, null for a repeat. */
export async function keepCheck(
  tx: Read,
  id: string,
  toolId: string,
  c: Checked,
): Promise<{ check: Check; before: ToolStatus | null }> {
  const { rows } = await tx.query(
    `insert into tool_checks (id, tenant_id, tool_id, status, response_time_ms, error) values ($1, $2, $3, $4, $5, $6)
     on conflict (id) do nothing returning ${checkColumns}`,
    [id, tx.tenantId, toolId, c.status, c.responseTimeMs, c.error],
  );
  if (!rows[0]) {
    const { rows: standing } = await tx.query(`select ${checkColumns} from tool_checks where id = $1`, [id]);
    return { check: Check.parse(standing[0]), before: null };
  }
  const { rows: moved } = await tx.query<{ before: ToolStatus }>(
    `update tools set status = $2, last_check = now(), response_time_ms = $3, last_error = $4
     from (select id, status as before from tools where id = $1 for no key update) was
     where tools.id = was.id returning was.before`,
    [toolId, c.status, c.responseTimeMs, c.error],
  );
  return { check: Check.parse(rows[0]), before: moved[0]?.before ?? null };
}

/** Of one tool, newest first. */
export async function checksOf(tx: Read, toolId: string, hours: number | null, limit: number): Promise<Check[]> {
  const { rows } = await tx.query(
    `select ${checkColumns} from tool_checks
     where tool_id = $1 and ($2::int is null or checked_at > now() - $2 * interval '1 hour')
     order by checked_at desc, id desc limit $3`,
    [toolId, hours, limit],
  );
  return rows.map((r) => Check.parse(r));
}
