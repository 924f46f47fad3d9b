import { listTools, type Check } from '../../../db/tools';
import type { Read } from '../../../db/tx';
import { isPart, placeOf, placesOf, type PartName, type Place } from '../../../domain/parts';
import type { ToolStatus } from '../../../domain/tool-server';
import type { ToolRow } from '../../../domain/tool-server.schema';
import type { Ctx } from '../../kernel';

/** A look that is so many intervals old says nothing any more. */
const staleAfter = 3;

/** How it is by now, as far as that is known. */
export function statusNow({ enabled, status, lastCheck }: ToolRow, checkSeconds: number): ToolStatus {
  if (!enabled || lastCheck === null) return 'unknown';
  return Date.now() - Date.parse(lastCheck) > staleAfter * checkSeconds * 1000 ? 'unknown' : status;
}

/** What a tenant has: its tool servers, and the parts that are configured for it. */
export interface TenantTools {
  slug: string;
  rows: ToolRow[];
  places: ReadonlyMap<PartName, Place>;
}
export async function toolsOf(ctx: Ctx, tx: Read): Promise<TenantTools> {
  const { rows: found } = await tx.query<{ slug: string }>('select slug from tenants where id = $1', [ctx.tenantId]);
  const slug = found[0]?.slug ?? '';
  const places = placesOf(ctx.kernel.config, slug);
  const rows = (await listTools(tx)).filter((t) => t.type === 'mcp' || (isPart(t.name) && places.has(t.name)));
  return { slug, rows, places };
}

export function toolView(ctx: Ctx, t: ToolRow, places: TenantTools['places']) {
  const transport = t.settings?.transport;
  const part = isPart(t.name) && t.type !== 'mcp' ? places.get(t.name) : undefined;
  const place = transport?.kind === 'http' ? placeOf(transport.url) : (part ?? { host: null, port: null });
  const last = t.lastCheck === null || t.status === 'unknown' ? null : t.status;
  return {
    id: t.number, name: t.name, type: t.type, description: t.description, ...place, enabled: t.enabled,
    status: statusNow(t, ctx.kernel.config.tools.checkSeconds), last_check: t.lastCheck, last_check_status: last,
    response_time_ms: t.responseTimeMs,
  }; // prettier-ignore
}

export const checkView = ({ at, status, responseTimeMs, error }: Check) => ({
  timestamp: at,
  status,
  response_time_ms: responseTimeMs,
  error,
});
