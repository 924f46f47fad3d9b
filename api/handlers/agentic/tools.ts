import { checksOf, listedTools, serverById, toolByNumber } from '../../../db/tools';
import { wireScope } from '../../../domain/access';
import { Conflict, NotFound } from '../../../domain/errors';
import { governedBy, type ToolStatus } from '../../../domain/tool-server';
import type { ToolRow } from '../../../domain/tool-server.schema';
import { toolLooks, toolsLooked } from '../../../workflows/tool-looks';
import { toolLooksStart } from '../../../workflows/start';
import type { tools } from '../../contracts/agentic/tools';
import type { Ctx, Handlers } from '../../kernel';
import { modulesOf } from './setup';
import { toolServerHandlers } from './tool-servers';
import { checkView, toolsOf, toolView, type TenantTools } from './tool-views';

const mostRecent = 50;

/** @throws NotFound, for a part that this installation has not as for what never was */
async function toolHere(ctx: Ctx, number: number): Promise<{ row: ToolRow; all: TenantTools }> {
  const all = await ctx.read((tx) => toolsOf(ctx, tx));
  const row = all.rows.find((r) => r.number === number);
  if (!row) throw new NotFound(`no tool ${number}`);
  return { row, all };
}

/** Asks a worker to look, and waits for what it finds. @throws Unavailable when it takes longer than a caller waits */
async function look(ctx: Ctx, toolId: string | null) {
  const { temporal } = ctx.kernel;
  const asked = ctx.newId('look');
  const start = toolLooksStart({ tenantId: ctx.tenantId, toolId, asked, queue: temporal.queues.integrations });
  const looked = await temporal.open(toolLooks, toolsLooked, start, asked);
  return looked.map(({ number, name, status, responseTimeMs, error }) => ({
    tool_id: number,
    name,
    status,
    response_time_ms: responseTimeMs,
    error,
  }));
}

export const toolHandlers: Handlers<typeof tools> = {
  ...toolServerHandlers,

  listTools: async (_input, ctx) => {
    const all = await ctx.read((tx) => toolsOf(ctx, tx));
    const shown = all.rows.map((t) => toolView(ctx, t, all.places));
    return { tools: shown, total: shown.length, setup_modules: await modulesOf(ctx, all) };
  },

  toolStatus: (_input, ctx) =>
    ctx.read(async (tx) => {
      const all = await toolsOf(ctx, tx);
      const shown = all.rows.map((t) => toolView(ctx, t, all.places));
      const count = (status: ToolStatus): number => shown.filter((t) => t.status === status).length;
      return {
        healthy: count('healthy'), degraded: count('degraded'), down: count('down'), unknown: count('unknown'),
        tools: shown.map(({ name, status }) => ({ name, status })),
      }; // prettier-ignore
    }),

  getTool: async ({ params }, ctx) => {
    const { row, all } = await toolHere(ctx, params.id);
    const { checks, listed, server } = await ctx.read(async (tx) => ({
      checks: await checksOf(tx, row.id, null, mostRecent),
      listed: await listedTools(tx, row.id),
      server: await serverById(tx, row.id),
    }));
    const { settings } = row;
    return {
      ...toolView(ctx, row, all.places),
      error: row.lastError,
      server: settings && {
        transport: settings.transport.kind,
        command: settings.transport.kind === 'stdio' ? settings.transport.command : null,
        url: settings.transport.kind === 'http' ? settings.transport.url : null,
        has_secrets: server?.sealed !== null && server?.sealed !== undefined,
        timeout_ms: settings.timeoutMs,
        trust_annotations: settings.trustAnnotations,
        leases: settings.leases.map(wireScope),
      },
      tools: settings
        ? listed.map((t) => {
            const { effect, enabled } = governedBy(settings, t);
            return {
              name: `${row.name}.${t.name}`, description: t.description, effect, input_schema: t.inputSchema,
              digest: t.digest, enabled, problem: t.problem,
            }; // prettier-ignore
          })
        : [],
      recent_checks: checks.map(checkView),
    };
  },

  toolHistory: ({ params, query }, ctx) =>
    ctx.read(async (tx) => {
      const row = await toolByNumber(tx, params.id);
      if (!row) throw new NotFound(`no tool ${params.id}`);
      const checks = await checksOf(tx, row.id, query.hours, query.limit);
      return { tool_id: row.number, checks: checks.map(checkView), count: checks.length };
    }),

  checkTool: async ({ params }, ctx) => {
    const { row } = await toolHere(ctx, params.id);
    if (!row.enabled) throw new Conflict(`tool ${row.number} is switched off`);
    const [looked] = await look(ctx, row.id);
    if (!looked) throw new NotFound(`no tool ${params.id}`);
    return looked;
  },

  checkAllTools: async (_input, ctx) => {
    const results = await look(ctx, null);
    return { results, count: results.length };
  },
};
