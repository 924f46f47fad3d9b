import type { CustomerFacts, Facts, NeighbourFacts, PaymentFacts, TerminalFacts } from '../transactions/facts';
import { draftRule } from '../transactions/draft';
import { weigh as weighFacts } from '../transactions/rule';
import { planOf } from './plan';
import { carriedOut, type Advice, type Seen, type Statement, type Verdict } from './verdict';

/** The tool that tries a drafted rule on the stored payments. */
export const backTest = 'back_test';

function adviceOf(facts: Facts, statements: readonly Statement[], { severity }: Pick<Verdict, 'severity'>): Advice[] {
  if (severity === 'LOW') return [];
  const { amount, customer_id, terminal_id } = facts.transaction;
  const of = (kinds: readonly string[]): Statement[] => statements.filter((s) => kinds.includes(s.type));
  const impact = (said: readonly Statement[]): string => said.map((s) => s.summary).join(' ');
  const evidence = (said: readonly Statement[]): string[] => [...new Set(said.flatMap((s) => s.evidence))];
  const terminal = of(['terminal_episode', 'terminal_disputes']).filter((s) => s.severity !== 'LOW');
  return [
    { type: 'review_payment', title: `Ask customer ${customer_id} whether the payment of ${amount} is theirs`, impact: impact(statements), evidence: evidence(statements) },
    ...(terminal.length
      ? [{ type: 'inspect_terminal', title: `Have terminal ${terminal_id} looked at`, impact: impact(terminal), evidence: evidence(terminal) }]
      : []),
  ]; // prettier-ignore
}

/** What the rule of domain/transactions/ makes of what was seen, with each of its statements bound to the steps it rests on. */
export function weigh(seen: readonly Seen[]): Verdict {
  const done = new Map(seen.filter(carriedOut).map((s) => [s.tool, s]));
  const missing = planOf('quick').filter((look) => !done.has(look));
  const limits = seen.filter((s) => !carriedOut(s)).map((s) => `${s.tool} could not be looked at: ${s.decision}.`);
  if (missing.length) {
    const summary = `Inconclusive: the rule needs ${missing.join(' and ')}, which could not be looked at.`;
    return {
      severity: 'LOW',
      confidence: 0,
      inconclusive: true,
      summary,
      statements: [],
      advice: [],
      draft: null,
      limits,
    };
  }
  const result = (tool: keyof Facts): unknown => done.get(tool)?.result ?? null;
  const facts: Facts = {
    transaction: result('transaction') as PaymentFacts,
    customer_history: result('customer_history') as CustomerFacts,
    terminal_history: result('terminal_history') as TerminalFacts,
    neighbours: result('neighbours') as NeighbourFacts | null,
  };
  const verdict = weighFacts(facts);
  const { severity, confidence, inconclusive, insights } = verdict;
  const draft = severity === 'LOW' ? null : draftRule(facts, verdict);
  const tried = done.get(backTest);
  const statements = insights.map((i): Statement => ({
    type: i.kind,
    severity: i.severity,
    confidence,
    summary: i.summary,
    evidence: [...new Set(i.evidence.flatMap(({ tool }) => done.get(tool)?.id ?? []))],
  }));
  const said = statements.map((s) => s.summary).join(' ') || 'Nothing about this payment stands out.';
  return {
    severity,
    confidence,
    inconclusive,
    summary: inconclusive ? `Inconclusive: too little is known of customer and terminal. ${said}` : said,
    statements,
    advice: adviceOf(facts, statements, { severity }),
    draft: draft && {
      ruleName: draft.name,
      ruleDescription: draft.description,
      conditions: draft.conditions,
      thresholds: draft.thresholds,
      metadata: { back_test: tried?.result ?? null, evidence_id: tried?.id ?? null },
    },
    limits,
  };
}
