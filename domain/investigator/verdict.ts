import type { RuleDraft, Severity } from '../findings';

/** One step of the ledger that an investigation looked with. */
export interface Seen {
  /** Of the execution: what statements cite. */
  id: string;
  tool: string;
  decision: string;
  digest: string | null;
  result: unknown;
}

/** A statement with the executions that it rests on. */
export interface Statement {
  type: string;
  severity: Severity;
  /** 0..1 */
  confidence: number;
  summary: string;
  evidence: string[];
}

export interface Advice {
  type: string;
  title: string;
  impact: string;
  evidence: string[];
}

/** What the evidence of a transaction comes to. */
export interface Verdict {
  severity: Severity;
  confidence: number;
  /** The evidence allows no conclusion, or could not be looked at. */
  inconclusive: boolean;
  summary: string;
  statements: Statement[];
  advice: Advice[];
  draft: Omit<RuleDraft, 'id' | 'tenantId' | 'investigationId' | 'createdAt'> | null;
  /** What could not be looked at, and what was dropped. */
  limits: string[];
}

export const carriedOut = ({ decision, digest }: Pick<Seen, 'decision' | 'digest'>): boolean =>
  (decision === 'allow' || decision === 'monitor') && digest !== null;

/** Code, not whoever says it, decides what may stand: what cites no step that was carried out is dropped, and counted. */
export function cited<S extends { evidence: string[] }>(
  statements: readonly S[],
  seen: readonly Seen[],
): { kept: S[]; dropped: number } {
  const known = new Set(seen.filter(carriedOut).map(({ id }) => id));
  const kept = statements
    .map((s) => ({ ...s, evidence: [...new Set(s.evidence)].filter((id) => known.has(id)) }))
    .filter(({ evidence }) => evidence.length > 0);
  return { kept, dropped: statements.length - kept.length };
}
