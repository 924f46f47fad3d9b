import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { bundleOf, type Framework, type Signed } from '../log/bundle/build';
import type { AuditRow } from '../log/bundle/aevf';

export interface ArchiveOptions {
  url: string;
  token: string;
  /** Days, YYYY-MM-DD. */
  since: string;
  until: string;
  framework: Framework;
}
interface Root {
  root_date: string;
  root_hash: string;
  prev_root_hash: string | null;
  leaf_count: number;
  signed: Signed;
}
interface Key {
  fingerprint: string;
  public_key_pem: string;
  created_at?: string;
  retired_at?: string;
}
const atOnce = 8;
const page = 1000;
/** A server that is busy, or away for a moment, is asked again so often. */
const patience = 30;

/** The `data` of an answer. @throws Error naming the call and what came back */
async function get<T>({ url, token }: ArchiveOptions, path: string): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    const res = await fetch(url + path, { headers: { authorization: `Bearer ${token}` } });
    if ((res.status === 429 || res.status === 503) && tries < patience) {
      await pause(1000 * Number(res.headers.get('retry-after') ?? 1));
      continue;
    }
    const text = await res.text();
    if (!res.ok) throw new Error(`GET ${path}: ${res.status} ${text.slice(0, 300)}`);
    return (JSON.parse(text) as { data: T }).data;
  }
}

/** All rows of the period, oldest first: what comes meanwhile is not of it. */
async function rowsOf(o: ArchiveOptions): Promise<AuditRow[]> {
  const rows: AuditRow[] = [];
  for (let offset = 0; ; offset += page) {
    const query = new URLSearchParams({
      start_date: o.since,
      end_date: o.until,
      limit: `${page}`,
      offset: `${offset}`,
    });
    const { items } = await get<{ items: AuditRow[] }>(o, `/v1/audit/logs?${query.toString()}`);
    rows.push(...items);
    if (items.length < page) return rows.reverse();
  }
}

/** Fetches what `wheelhouse verify` checks without a server: a folder of receipts, proofs and roots, and an evidence bundle. */
export async function archive(folder: string, given: ArchiveOptions): Promise<void> {
  const now = new Date().toISOString();
  const partial = given.until >= now.slice(0, 10);
  const until = partial ? now : given.until;
  const o = { ...given, url: given.url.replace(/\/+$/, ''), until };
  for (const name of ['receipts', 'inclusion', 'roots']) await mkdir(join(folder, name), { recursive: true });
  const save = (name: string, data: unknown): Promise<void> =>
    writeFile(join(folder, name), typeof data === 'string' ? data : `${JSON.stringify(data, null, 2)}\n`);

  const keys = await get<{ active: Key; historical: Key[] }>(o, '/v1/transparency/keys');
  await save('public_key.pem', keys.active.public_key_pem);
  await save('keys.json', keys);
  const rows = await rowsOf(o);
  const receipts = new Map<string, unknown>();
  const calls = rows.filter((r) => r.action === 'execute_tool');
  const one = async ({ id }: AuditRow): Promise<void> => {
    const receipt = await get<unknown>(o, `/v1/receipts/${id}`);
    receipts.set(id, receipt);
    await save(`receipts/${id}.json`, receipt);
    await save(`inclusion/${id}.json`, await get<unknown>(o, `/v1/transparency/inclusion/${id}`));
  };
  for (let i = 0; i < calls.length; i += atOnce) await Promise.all(calls.slice(i, i + atOnce).map(one));
  const roots = await get<Root[]>(o, `/v1/transparency/roots?since=${o.since}&until=${o.until.slice(0, 10)}&limit=365`);
  for (const root of roots) await save(`roots/${root.root_date}.json`, root);
  const tenantId = String(rows[0]?.tenant_id ?? roots[0]?.signed.receipt['tenant_id'] ?? '');
  const bundle = bundleOf({
    framework: o.framework,
    tenantId,
    period: { start: `${o.since}T00:00:00Z`, end: o.until.length === 10 ? `${o.until}T23:59:59.999999Z` : o.until },
    rows,
    receipts,
    roots,
    keys: [keys.active, ...keys.historical],
  });
  await save('bundle.aevf.json', bundle);
  await save('archive.json', { since: o.since, until, partial });
  process.stdout.write(`${rows.length} rows, ${receipts.size} receipts and ${roots.length} roots in ${folder}\n`);
  if (partial)
    process.stdout.write(
      `partial: ${now.slice(0, 10)} goes on, its root is not final; archive it again once it is over\n`,
    );
}
