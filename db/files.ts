import type { Read } from './read';

// Who stores a file and who removes files that nothing names keep out of each other's way by a lock of the tenant's.

const lockOf = `hashtextextended('files:' || $1, 0)`;

/** From here to the transaction's end no file of the tenant is removed: what is kept now, and named, stays. */
export const holdFiles = (tx: Read) => tx.query(`select pg_advisory_xact_lock_shared(${lockOf})`, [tx.tenantId]);

/** Whether nobody is storing a file of the tenant; until the transaction ends nobody does. */
export async function mayRemoveFiles(tx: Read): Promise<boolean> {
  const { rows } = await tx.query<{ free: boolean }>(`select pg_try_advisory_xact_lock(${lockOf}) as free`, [
    tx.tenantId,
  ]);
  return rows[0]?.free ?? false;
}

/** Those of them that no attachment and no deployment names. */
export async function unnamedFiles(tx: Read, sha256s: readonly string[]): Promise<string[]> {
  const { rows } = await tx.query<{ sha256: string }>(
    `select f.sha256 from unnest($1::text[]) as f (sha256)
     where not exists (select from attachments a where a.tenant_id = $2 and a.sha256 = f.sha256 and a.stored)
       and not exists (select from deployment_files d where d.tenant_id = $2 and d.sha256 = f.sha256)`,
    [sha256s, tx.tenantId],
  );
  return rows.map((r) => r.sha256);
}
