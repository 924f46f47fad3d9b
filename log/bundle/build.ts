import { canonical } from '../canonical';
import { formatVersion, type AuditRow, type Evidence } from './aevf';

export type Framework = 'eu-ai-act' | 'nist-ai-rmf' | 'soc2';

type Articles = Record<'eu_ai_act' | 'soc2' | 'nist_ai_rmf' | 'dpdp', string[]>;
/** What a row is evidence of; a control that none of them names is not claimed. */
const mappings: { when: (row: AuditRow) => boolean; of: Partial<Articles> }[] = [
  {
    when: (row) => row.action === 'execute_tool',
    of: { eu_ai_act: ['Article 12', 'Article 13'], soc2: ['CC6.1'], nist_ai_rmf: ['MEASURE 2.1'] },
  },
  {
    when: (row) => ['deny', 'block', 'kill', 'escalate'].includes(row.decision),
    of: { eu_ai_act: ['Article 61'], soc2: ['CC7.2'], nist_ai_rmf: ['GOVERN 5.1'] },
  },
  {
    when: (row) => row.action === 'human_override' || row.action.startsWith('gate_'),
    of: { eu_ai_act: ['Article 14'], soc2: ['CC1.4'], nist_ai_rmf: ['MANAGE 2.3'] },
  },
  {
    when: (row) => /"[^"]*(pii|personal)[^"]*"/i.test(JSON.stringify(row.metadata_json?.['findings'] ?? [])),
    of: { eu_ai_act: ['Article 10'], soc2: ['CC6.7'] },
  },
];
const mappingsOf = (row: AuditRow): Articles => {
  const found = mappings.filter((m) => m.when(row));
  const all = (name: keyof Articles): string[] => found.flatMap((m) => m.of[name] ?? []);
  return { eu_ai_act: all('eu_ai_act'), soc2: all('soc2'), nist_ai_rmf: all('nist_ai_rmf'), dpdp: [] };
};

export interface Signed {
  receipt: Record<string, string | number | null>;
  signature: string;
  public_key_fingerprint: string;
}
interface Root {
  root_date: string;
  root_hash: string;
  prev_root_hash: string | null;
  leaf_count: number;
  signed: Signed;
}

/** The log keeps what it has: nothing in it is ever due to go. */
const retentionDays = 36_500;

/** An evidence bundle over rows of a period (each whole: no filter), the receipts by row id, and the roots of its days. */
export function bundleOf(from: {
  framework: Framework;
  tenantId: string;
  period: { start: string; end: string };
  rows: readonly AuditRow[];
  receipts: ReadonlyMap<string, unknown>;
  roots: readonly Root[];
  keys: readonly { fingerprint: string; public_key_pem: string; created_at?: string; retired_at?: string }[];
}): Evidence {
  const at = (row: AuditRow): string => `${row.timestamp} ${row.id}`;
  const rows = [...from.rows].sort((a, b) => (at(a) < at(b) ? -1 : 1));
  const roots = [...from.roots].sort((a, b) => (a.root_date < b.root_date ? -1 : 1));
  const byDay = new Map(roots.map((r) => [r.root_date, r]));
  /** The root that covers a row; of a day that goes on, it may be from before it. */
  const rootOf = ({ timestamp }: AuditRow): string | null => {
    const root = byDay.get(timestamp.slice(0, 10));
    return root && timestamp <= String(root.signed.receipt['window_end']) ? root.root_date : null;
  };
  return {
    format_version: formatVersion,
    framework: from.framework,
    tenant_id: from.tenantId,
    period: from.period,
    generated_at: new Date().toISOString(),
    public_keys: from.keys.map((k) => ({
      kid: k.fingerprint,
      algorithm: 'ed25519' as const,
      pem: k.public_key_pem,
      valid_from: k.created_at ?? null,
      valid_to: k.retired_at ?? null,
    })),
    merkle_roots: roots.map((r) => ({
      root_date: r.root_date,
      root_hash: r.root_hash,
      leaf_count: r.leaf_count,
      leaf_range_start_id: r.signed.receipt['leaf_range_start_id'] as string | null,
      leaf_range_end_id: r.signed.receipt['leaf_range_end_id'] as string | null,
      prev_root_hash: r.prev_root_hash,
      kid: r.signed.public_key_fingerprint,
      algorithm: 'ed25519' as const,
      signature_b64: Buffer.from(r.signed.signature, 'base64url').toString('base64'),
      signed_payload_canonical_json: canonical(r.signed.receipt),
    })),
    records: rows.map((row) => ({
      audit_row: row,
      mappings: mappingsOf(row),
      merkle_root_date: rootOf(row),
      ...(from.receipts.has(row.id) && { receipt: from.receipts.get(row.id) }),
    })),
    retention_metadata: {
      policy: 'append-only',
      configured_retention_days: retentionDays,
      earliest_row_in_bundle: rows[0]?.timestamp ?? null,
      latest_row_in_bundle: rows.at(-1)?.timestamp ?? null,
    },
  };
}
