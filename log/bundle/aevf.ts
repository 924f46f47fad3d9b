import { z } from 'zod';
import { canonical, printable, sha256 } from '../canonical';
import { emptyDayRoot, rootOf, v1 } from '../merkle';
import { verifyText } from '../keys';
import { checkReceipt } from '../receipts';
import { hex64, type Find, type Line } from './root';

// An evidence bundle (AEVF 0.1.0): rows of the audit log with the roots of their days, in one document.

export const formatVersion = 'aegis-evidence-bundle/2026-06';
const text = z.string().nullable();
const Row = z.looseObject({
  id: z.string(),
  tenant_id: z.string(),
  agent_id: text,
  action: z.string(),
  tool: text,
  decision: z.string(),
  request_id: text,
  event_hash: hex64,
  prev_hash: hex64,
  timestamp: z.string(),
  chain_shard: z.int().min(0),
  hash_version: z.literal(1).optional(),
  metadata_json: z.record(z.string(), z.unknown()).optional(),
});
export type AuditRow = z.input<typeof Row>;
export type Evidence = z.input<typeof Bundle>;
const Root = z.object({
  root_date: z.iso.date(),
  root_hash: hex64,
  leaf_count: z.int().min(0),
  leaf_range_start_id: text,
  leaf_range_end_id: text,
  prev_root_hash: hex64.nullable(),
  kid: z.string(),
  algorithm: z.literal('ed25519'),
  signature_b64: z.string(),
  signed_payload_canonical_json: z.string(),
});
const Bundle = z.looseObject({
  format_version: z.literal(formatVersion),
  framework: z.string(),
  tenant_id: z.string(),
  period: z.object({ start: z.string(), end: z.string() }),
  generated_at: z.string(),
  public_keys: z.array(z.looseObject({ kid: z.string(), algorithm: z.literal('ed25519'), pem: z.string() })),
  merkle_roots: z.array(Root),
  /** `receipt`: the four fields that were signed when the row was written; ours, beside what the format has. */
  records: z.array(
    z.looseObject({ audit_row: Row, merkle_root_date: z.string().nullable(), receipt: z.unknown().optional() }),
  ),
  retention_metadata: z.looseObject({
    configured_retention_days: z.number(),
    earliest_row_in_bundle: text,
    latest_row_in_bundle: text,
  }),
});
type Bundle = z.output<typeof Bundle>;

export const isBundle = (document: unknown): boolean =>
  typeof (document as { format_version?: unknown } | null)?.format_version === 'string';
/** The keys that a bundle brings, under the names that they really have. */
export const keysIn = (document: unknown): { kid: string; pem: string }[] =>
  (Bundle.safeParse(document).data?.public_keys ?? []).map(({ kid, pem }) => ({ kid, pem }));

const fields = ['action', 'agent_id', 'decision', 'request_id', 'tenant_id', 'tool'] as const;
/** The wire's six fields with `, ` and `: ` between, after the hash before. */
const eventHash = (row: z.output<typeof Row>): string =>
  sha256(`${row.prev_hash}{${fields.map((f) => `"${f}": ${printable(row[f] ?? '')}`).join(', ')}}`);

/** A root's signature is over its text, and the text says what stands beside it. */
function rootError(root: z.output<typeof Root>, before: z.output<typeof Root> | undefined, find: Find): string | null {
  const key = find(root.kid);
  if (!key) return 'unknown_key_fingerprint';
  const signature = Buffer.from(root.signature_b64, 'base64url').toString('base64url');
  if (!verifyText(key.key, root.signed_payload_canonical_json, signature)) return 'signature_mismatch';
  const said = parsed(root.signed_payload_canonical_json) as Record<string, unknown>;
  const names = [
    'root_date',
    'root_hash',
    'leaf_count',
    'leaf_range_start_id',
    'leaf_range_end_id',
    'prev_root_hash',
  ] as const;
  if (names.some((f) => (said[f] ?? null) !== root[f])) return 'root_hash_mismatch';
  if (before && root.prev_root_hash !== before.root_hash) return 'prev_root_hash_mismatch';
  return root.leaf_count === 0 && emptyDayRoot(root.prev_root_hash) !== root.root_hash ? 'root_hash_mismatch' : null;
}

/** Null: what was signed when the row was written says what the row says. */
function receiptError({ audit_row: row, receipt: document }: Bundle['records'][number], find: Find): string | null {
  const { receipt, error } = checkReceipt(document, find);
  if (error ?? !receipt) return error ?? 'malformed_payload';
  const same = (['tenant_id', 'agent_id', 'tool', 'action', 'decision', 'request_id', 'timestamp', 'event_hash', 'prev_hash', 'chain_shard'] as const)
    .every((f) => receipt[f] === row[f]); // prettier-ignore
  const reason = row['reason'] === undefined || receipt['reason'] === row['reason'];
  const metadata = !row.metadata_json || receipt['metadata_sha256'] === sha256(canonical(row.metadata_json));
  return same && reason && metadata && receipt['execution_id'] === row.id ? null : 'receipt_mismatch';
}

/** Until when a root counts: the end of its day, or earlier while that goes on. */
const windowEnd = z.preprocess((text) => parsed(text), z.looseObject({ window_end: z.string() }));
const parsed = (text: unknown): unknown => {
  try {
    return JSON.parse(String(text));
  } catch {
    return null;
  }
};

/** Where the bundle has the receipts of a whole day, they are its root. */
function dayErrors(bundle: Bundle): Line[] {
  const [from, to] = [Date.parse(bundle.period.start), Date.parse(bundle.period.end)];
  return bundle.merkle_roots.flatMap((root): Line[] => {
    const of = bundle.records.filter((r) => r.receipt !== undefined && r.merkle_root_date === root.root_date);
    const upto = Date.parse(String(windowEnd.safeParse(root.signed_payload_canonical_json).data?.window_end));
    const whole = from <= Date.parse(root.root_date) && to >= upto - 1;
    if (!bundle.records.some((r) => r.receipt !== undefined) || (of.length < root.leaf_count && !whole)) return [];
    const leaves = of.map((r) => v1.leaf(canonical(r.receipt)));
    const same = leaves.length === 0 || rootOf(v1, leaves).toString('hex') === root.root_hash;
    if (of.length === root.leaf_count && same) return [];
    return [{ good: false, text: `leaves_mismatch  ${root.root_date}: ${of.length} receipts of ${root.leaf_count}` }];
  });
}

/** All that the format's verifier checks (V1 to V6), and receipts where they are in it. */
export function aevfLines(document: unknown, find: Find): Line[] {
  const read = Bundle.safeParse(document);
  if (!read.success) {
    const [issue] = read.error.issues;
    return [{ good: false, text: `malformed_bundle  ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}` }];
  }
  const bundle = read.data;
  const lines: Line[] = [];
  const roots = [...bundle.merkle_roots].sort((a, b) => (a.root_date < b.root_date ? -1 : 1));
  for (const [i, root] of roots.entries()) {
    const error = rootError(root, roots[i - 1], find);
    const said = `root of ${root.root_date}: ${root.leaf_count} receipts, ${root.root_hash}`;
    lines.push({ good: error === null, text: error ? `${error}  ${said}` : said });
  }
  const tails = new Map<number, string>();
  const rows = bundle.records
    .map((record, i) => ({ record, i }))
    .sort((a, b) => Date.parse(a.record.audit_row.timestamp) - Date.parse(b.record.audit_row.timestamp) || a.i - b.i);
  for (const { record } of rows) {
    const { audit_row: row } = record;
    const tail = tails.get(row.chain_shard);
    tails.set(row.chain_shard, row.event_hash);
    const dated = record.merkle_root_date === null || roots.some((r) => r.root_date === record.merkle_root_date);
    const error =
      (row.tenant_id === bundle.tenant_id ? null : 'other_tenant') ??
      (eventHash(row) === row.event_hash ? null : 'event_hash_mismatch') ??
      (tail === undefined || tail === row.prev_hash ? null : 'prev_hash_mismatch') ??
      (dated ? null : 'root_missing') ??
      (record.receipt === undefined ? null : receiptError(record, find));
    const said = `${row.id}  ${row.timestamp}  ${row.tool ?? row.action}: ${row.decision}`;
    lines.push({ good: error === null, text: error ? `${error}  ${said}` : said });
  }
  lines.push(...dayErrors(bundle));
  const { earliest_row_in_bundle: earliest, configured_retention_days: days } = bundle.retention_metadata;
  if (earliest !== null && Date.parse(bundle.generated_at) - Date.parse(earliest) > days * 86_400_000)
    lines.push({ good: false, text: `retention_exceeded  ${earliest} is older than ${days} days` });
  return lines;
}
