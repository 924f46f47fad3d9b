import type { UserRole } from '../domain/roles';
import type { Actor } from '../domain/principal';
import { micros } from './instant';
import type { Read } from './tx';

export interface SsoConfig {
  issuer: string;
  clientId: string;
  secretSealed: Buffer | null;
  entityId: string | null;
  enabled: boolean;
  groupClaim: string;
  roleMapping: Record<string, UserRole>;
  defaultRole: UserRole | null;
  version: number;
  updatedAt: string;
}

const columns = `issuer, client_id as "clientId", secret_sealed as "secretSealed", entity_id as "entityId", enabled,
  group_claim as "groupClaim", role_mapping as "roleMapping", default_role as "defaultRole", version, ${micros('updated_at')} as "updatedAt"`;
type Row = SsoConfig & Record<string, unknown>;

export async function ssoConfig(tx: Read): Promise<SsoConfig | null> {
  const { rows } = await tx.query<Row>(`select ${columns} from sso_configs`);
  return rows[0] ?? null;
}

/** The tenant's issuer from now on. `secretSealed` null: the one that it has, if any. */
export async function putSsoConfig(
  tx: Read,
  c: Omit<SsoConfig, 'version' | 'updatedAt'>,
  by: Actor,
): Promise<SsoConfig> {
  const { rows } = await tx.query<Row>(
    `insert into sso_configs as s (tenant_id, issuer, client_id, secret_sealed, entity_id, enabled, group_claim, role_mapping, default_role, changed_by)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     on conflict (tenant_id) do update set issuer = $2, client_id = $3, secret_sealed = coalesce($4, s.secret_sealed), entity_id = $5,
       enabled = $6, group_claim = $7, role_mapping = $8, default_role = $9, changed_by = $10, version = s.version + 1, updated_at = now()
     returning ${columns}`,
    [
      tx.tenantId, c.issuer, c.clientId, c.secretSealed, c.entityId, c.enabled, c.groupClaim, JSON.stringify(c.roleMapping), c.defaultRole, by,
    ], // prettier-ignore
  );
  const [config] = rows;
  if (!config) throw new Error('no row came of it');
  return config;
}
