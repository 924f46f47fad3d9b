import type { Actor } from '../domain/principal';
import { micros } from './instant';
import type { Read } from './tx';

/** A version that is enforced, as calls are told of it. */
export interface ActivePolicy {
  /** Of the version. */
  id: string;
  name: string;
  version: number;
  digest: string;
  entrypoints: string[];
}

/** In the order of their names, as a column of another statement. */
export const activePolicies = `(select coalesce(jsonb_agg(jsonb_build_object('id', v.id, 'name', v.name, 'version', v.version,
  'digest', v.digest, 'entrypoints', v.entrypoints) order by v.name), '[]')
  from active_policies a join policy_versions v on v.id = a.version_id)`;

export async function activeNow(tx: Read): Promise<ActivePolicy[]> {
  const { rows } = await tx.query<{ active: ActivePolicy[] }>(
    `select ${activePolicies} as active`,
    [],
    'active policies',
  );
  return rows[0]?.active ?? [];
}

export interface PolicyVersion extends ActivePolicy {
  description: string | null;
  tested: number;
  active: boolean;
  uploadedBy: Actor;
  uploadedAt: string;
}
export interface PolicyText {
  rego: string;
  tests: string | null;
}
type Row = PolicyVersion & Record<string, unknown>;
const columns = `v.id, v.name, v.version, v.digest, v.entrypoints, v.description, v.tested, a.version_id is not null as active,
  v.uploaded_by as "uploadedBy", ${micros('v.uploaded_at')} as "uploadedAt"`;
const from = `policy_versions v left join active_policies a on a.version_id = v.id`;

/** The newest first; of one policy where it is named. */
export async function policyVersions(tx: Read, name: string | null, limit: number, offset: number) {
  const { rows } = await tx.query<Row & { total: number }>(
    `select ${columns}, count(*) over () as total from ${from} where $1::text is null or v.name = $1
     order by v.uploaded_at desc, v.name, v.version desc limit $2 offset $3`,
    [name, limit, offset],
  );
  return { versions: rows as PolicyVersion[], total: rows[0]?.total ?? 0 };
}

export async function policyVersion(
  tx: Read,
  name: string,
  version: number,
): Promise<(PolicyVersion & PolicyText) | null> {
  const { rows } = await tx.query<Row & PolicyText>(
    `select ${columns}, v.rego, v.tests from ${from} where v.name = $1 and v.version = $2`,
    [name, version],
  );
  return rows[0] ?? null;
}

export async function moduleOf(tx: Read, versionId: string): Promise<Buffer | null> {
  const { rows } = await tx.query<{ wasm: Buffer }>('select wasm from policy_versions where id = $1', [versionId]);
  return rows[0]?.wasm ?? null;
}

export interface NewVersion extends PolicyText {
  id: string;
  name: string;
  description: string | null;
  entrypoints: string[];
  wasm: Buffer;
  digest: string;
  tested: number;
  uploadedBy: Actor;
}

/** As the next version of its name: one upload of a name at a time. Not made where its id has one already: a repeat. */
export async function insertVersion(tx: Read, v: NewVersion): Promise<{ version: number; made: boolean }> {
  await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`policy:${tx.tenantId}:${v.name}`]);
  const stands = await tx.query<{ version: number }>('select version from policy_versions where id = $1', [v.id]);
  if (stands.rows[0]) return { version: stands.rows[0].version, made: false };
  const { rows } = await tx.query<{ version: number }>(
    `insert into policy_versions (id, tenant_id, name, version, description, rego, tests, entrypoints, wasm, digest, tested, uploaded_by)
     select $1, $2, $3, coalesce((select max(version) from policy_versions where name = $3), 0) + 1, $4, $5, $6, $7, $8, $9, $10, $11
     returning version`,
    [
      v.id,
      tx.tenantId,
      v.name,
      v.description,
      v.rego,
      v.tests,
      v.entrypoints,
      v.wasm,
      v.digest,
      v.tested,
      v.uploadedBy,
    ],
  );
  const [row] = rows;
  if (!row) throw new Error('a version was inserted, and Postgres says nothing of it');
  return { version: row.version, made: true };
}

/** What counts the policies that are enforced waits here for who activates another: until then neither sees the other's. */
export async function oneAtATime(tx: Read): Promise<void> {
  await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`policies:${tx.tenantId}`]);
}

/** The version that was enforced before; null when none was. */
export async function activate(tx: Read, name: string, versionId: string, by: Actor): Promise<number | null> {
  const before = await deactivate(tx, name);
  await tx.query(
    `insert into active_policies (tenant_id, name, version_id, activated_by) values ($1, $2, $3, $4)
     on conflict (tenant_id, name) do update set version_id = excluded.version_id, activated_by = excluded.activated_by, activated_at = now()`,
    [tx.tenantId, name, versionId, by],
  );
  return before;
}

/** The version that was enforced; null when none was. */
export async function deactivate(tx: Read, name: string): Promise<number | null> {
  const { rows } = await tx.query<{ version: number }>(
    `with gone as (delete from active_policies where name = $1 returning version_id)
     select v.version from gone join policy_versions v on v.id = gone.version_id`,
    [name],
  );
  return rows[0]?.version ?? null;
}
