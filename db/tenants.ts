import { prepared } from './prepared';
import type { Read } from './tx';

/** What people and settings call the tenant by. */
export async function tenantSlug(tx: Read): Promise<string> {
  const { rows } = await prepared<{ slug: string }>(tx, 'select slug from tenants where id = $1', [tx.tenantId]);
  if (!rows[0]) throw new Error('there is no such tenant');
  return rows[0].slug;
}
