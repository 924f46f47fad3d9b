import type { Config } from '../../../config';
import { foundOut, unasked, worstOf, type ModuleStatus } from '../../../domain/modules';
import { partNames } from '../../../domain/parts';
import type { ToolStatus } from '../../../domain/tool-server';
import type { setup } from '../../contracts/agentic/setup';
import type { Ctx, Handlers } from '../../kernel';
import { healthOf, type Part } from '../spec/probes';
import { statusNow, toolsOf, type TenantTools } from './tool-views';

const asStatus: Record<Part['status'], ToolStatus> = { operational: 'healthy', degraded: 'degraded', outage: 'down' };

/** What works by itself where nothing is configured. */
const builtIn = new Set<string>(['credentials', 'model']);

/** Where there is nobody to ask: whether it is set up. */
const settled = (config: Config): ModuleStatus[] => [
  unasked('stdio-servers', config.tools.programs.size > 0 ? 'configured' : 'not_configured'),
  unasked('vault', config.vault ? 'configured' : 'not_configured'),
  unasked('tracing', config.tracing ? 'configured' : 'not_configured'),
];

/**
 * What of the installation is set up for a tenant: the API's own neighbours are asked now, the others by the checks of
 * their tools, and where nobody can be asked the configuration says it.
 */
export async function modulesOf(ctx: Ctx, { rows, places }: TenantTools): Promise<ModuleStatus[]> {
  const { config } = ctx.kernel;
  const { parts } = await healthOf(ctx.kernel);
  const now = (row: TenantTools['rows'][number]): ToolStatus => statusNow(row, config.tools.checkSeconds);
  const servers = rows.filter((r) => r.type === 'mcp' && r.enabled);
  const asked = (['postgres', 'temporal', 'worker'] as const).map((id) =>
    foundOut(id, asStatus[parts[id].status], 'asked'),
  );
  const others = partNames
    .filter((id) => !['postgres', 'temporal', 'built-in'].includes(id))
    .map((id) => {
      const row = rows.find((r) => r.name === id && r.type !== 'mcp');
      if (places.has(id) && row) return foundOut(id, now(row), 'check', row.name);
      return unasked(id, builtIn.has(id) ? 'built_in' : 'not_configured');
    });
  const builtinTools = rows.filter((r) => r.type === 'builtin').map((r) => foundOut('tools', now(r), 'check', r.name));
  const served = servers.length
    ? foundOut('tool-servers', worstOf(servers.map(now)), 'check')
    : unasked('tool-servers', 'not_configured');
  return [...asked, ...builtinTools, served, ...others, ...settled(config)];
}

export const setupHandlers: Handlers<typeof setup> = {
  setupStatus: async (_input, ctx) => {
    const modules = await modulesOf(ctx, await ctx.read((tx) => toolsOf(ctx, tx)));
    return { module_statuses: Object.fromEntries(modules.map((m) => [m.module_id, m])), count: modules.length };
  },
};
