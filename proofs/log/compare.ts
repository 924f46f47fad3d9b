import { appPool } from '../../db/pool';
import { loadKeyring } from '../../log/keys';
import { createStore } from '../../log/store';
import { verifyLog } from '../../log/verify';
import type { Cluster } from '../cluster/cluster';
import { independently, rawRows, type RawRow } from './verifier';

/** Acknowledgements, rows, entries, and what both verifiers say of them. A note over HTTP is named in its entry by its number. */
export async function compare(c: Cluster, acknowledged: readonly string[]): Promise<string[]> {
  const violations: string[] = [];
  const owner = await c.owner();
  const { rows: log } = await owner.query<RawRow & Record<string, unknown>>(rawRows, [c.tenantId]);
  const { rows: notes } = await owner.query<{ key: string; number: number }>(
    'select external_ref as key, number from ticket_notes where tenant_id = $1',
    [c.tenantId],
  );
  const byNumber = new Map(notes.map((n) => [n.number, n.key]));
  const keys = log.flatMap((e) => {
    if (e.kind === 'ticket.note_added') return [e.request_id];
    return e.kind === 'note.added' ? [byNumber.get((e.body as { note_id: number }).note_id) ?? null] : [];
  });
  const entries = new Set(keys);
  const rows = new Set(notes.map((n) => n.key));
  if (entries.size !== keys.length || rows.size !== notes.length) violations.push('a write is there twice');
  for (const key of acknowledged) if (!entries.has(key)) violations.push(`acknowledged, but not in the log: ${key}`);
  for (const key of entries) if (key === null || !rows.has(key)) violations.push(`an entry without its row: ${key}`);
  for (const key of rows) if (!entries.has(key)) violations.push(`a row without its entry: ${key}`);
  violations.push(...independently(log).map((v) => `independent verifier: ${v}`));
  const pool = appPool(c.databaseUrl, 2, () => undefined);
  try {
    const keyring = await loadKeyring(pool, c.masterKey);
    const found = await createStore(pool, keyring).read(c.tenantId, (tx) => verifyLog(tx, keyring));
    violations.push(...found.violations.map((v) => `product's verifier: ${v.seq} ${v.error}`));
    if (found.rowsChecked !== log.length) violations.push(`the product checked ${found.rowsChecked} of ${log.length}`);
  } finally {
    await pool.end();
  }
  return violations;
}
