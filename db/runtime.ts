import { z } from 'zod';
import { ActorSchema, InstantSchema } from '../domain/common.schema';
import type { Actor } from '../domain/principal';
import { usualRuntime, type RuntimeConfig } from '../domain/runtime';
import { RuntimeConfigSchema } from '../domain/runtime.schema';
import { prepared } from './prepared';
import type { Read } from './tx';

const Row = z.object({
  config: RuntimeConfigSchema,
  version: z.int(),
  updatedBy: ActorSchema,
  updatedAt: InstantSchema,
});

/** The tenant's configuration; version 0: nobody has set one, and the usual one stands. */
export interface StandingRuntime {
  config: RuntimeConfig;
  version: number;
  updatedBy: Actor | null;
  updatedAt: string | null;
}

const usual: StandingRuntime = { config: usualRuntime, version: 0, updatedBy: null, updatedAt: null };
const columns = `config, version, updated_by as "updatedBy", updated_at as "updatedAt"`;

export async function runtimeOf(tx: Read): Promise<StandingRuntime> {
  const { rows } = await prepared(tx, `select ${columns} from runtime_configs`, []);
  return rows[0] ? Row.parse(rows[0]) : usual;
}

/** One version on, or null when somebody else made that version. */
export async function saveRuntime(
  tx: Read,
  next: { config: RuntimeConfig; version: number; by: Actor },
): Promise<StandingRuntime | null> {
  const { rows } = await tx.query(
    `insert into runtime_configs (tenant_id, config, version, updated_by, updated_at) values ($1, $2, $3, $4, now())
     on conflict (tenant_id) do update set config = $2, version = $3, updated_by = $4, updated_at = now()
       where runtime_configs.version = $3 - 1
     returning ${columns}`,
    [tx.tenantId, next.config, next.version, next.by],
  );
  return rows[0] ? Row.parse(rows[0]) : null;
}
