import { inventedFigures } from './numbers';
import { carriedOut, cited, type Seen, type Statement, type Verdict } from './verdict';

/** How somebody tells of a verdict: in words of their own, over the same evidence. */
export interface Narrative {
  summary: string;
  statements: { type: string; summary: string; evidence: string[] }[];
}

/**
 * The verdict in the narrator's words. Severity and confidence stay the rule's; a statement that cites nothing that was
 * observed, or states a figure that its evidence does not hold, is dropped; so is a summary with such a figure.
 */
export function told(verdict: Verdict, narrative: Narrative, seen: readonly Seen[]): Verdict {
  const results = new Map(seen.filter(carriedOut).map((s) => [s.id, s.result]));
  const { severity, confidence } = verdict;
  const offered = narrative.statements.map((s): Statement => ({ ...s, severity, confidence }));
  const { kept, dropped } = cited(offered, seen);
  const own = [verdict.confidence, ...verdict.statements.map((s) => s.confidence)];
  const sound = kept.filter(
    (s) =>
      !inventedFigures(
        s.summary,
        s.evidence.map((id) => results.get(id)),
      ).length,
  );
  const invented = kept.length - sound.length;
  const sums = inventedFigures(narrative.summary, [...results.values(), own]).length === 0;
  const limits = [
    ...verdict.limits,
    ...(dropped ? [`${dropped} of the narrator's statements cited nothing that was observed, and were dropped.`] : []),
    ...(invented ? [`${invented} of the narrator's statements held figures of no evidence, and were dropped.`] : []),
    ...(sums ? [] : ["The narrator's summary held figures of no evidence: the rule's stands."]),
  ];
  return {
    ...verdict,
    limits,
    summary: sums ? narrative.summary : verdict.summary,
    // What the rule found stays: whoever tells of it may add, and leaves nothing out.
    statements: [...verdict.statements, ...sound],
  };
}
