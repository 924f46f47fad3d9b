import { stepKinds, type TraceDocument, type TraceStep } from '../../domain/trace';

const begun = Date.UTC(2031, 2, 1, 12);
const id = (i: number): string => `00000000-0000-7000-8000-${String(i).padStart(12, '0')}`;

/** A trace of so many steps: plans, each with what was looked at for it. Every text of place `i` comes from `text(i)`. */
export function sampleTrace(
  count: number,
  text: (i: number, of: string) => string = (i, of) => `${of} ${i}`,
): TraceDocument {
  const steps = Array.from({ length: count }, (_, i): TraceStep => {
    const kind = i % 10 === 0 ? 'plan' : (stepKinds[1 + ((i * 7) % 4)] ?? 'tool');
    const asked = kind === 'model';
    return {
      id: id(i),
      parent: i % 10 === 0 ? null : id(i - (i % 10)),
      kind,
      title: text(i, 'step'),
      by: text(i, 'by'),
      why: text(i, 'why'),
      state: i % 23 === 22 ? 'failed' : i % 31 === 30 ? 'refused' : 'ok',
      startedAt: new Date(begun + i * 40).toISOString(),
      durationMs: 5 + ((i * 37) % 60),
      input: { transaction_id: id(i), [text(i, 'key')]: [text(i, 'input'), i, null, true] },
      output: { amount: i / 4, known: i % 2 === 0, inner: { [text(i, 'key')]: text(i, 'output') } },
      decision: { decision: text(i, 'decision'), reasons: [{ code: text(i, 'code'), message: text(i, 'reason') }] },
      prompt: asked ? [{ role: text(i, 'role'), content: text(i, 'prompt') }] : null,
      answer: asked ? text(i, 'answer') : null,
      digest: text(i, 'digest'),
      error: i % 23 === 22 ? text(i, 'error') : null,
    };
  });
  const some = Math.max(1, count);
  return {
    id: text(0, 'id'),
    subject: text(0, 'transaction'),
    mode: text(0, 'mode'),
    status: text(0, 'status'),
    attempt: 2,
    severity: text(0, 'severity'),
    confidence: 0.87,
    startedAt: new Date(begun).toISOString(),
    finishedAt: new Date(begun + count * 40 + 65).toISOString(),
    summary: text(0, 'summary'),
    error: text(0, 'trouble'),
    limits: [text(0, 'limit')],
    moves: [{ at: text(0, 'at'), what: text(0, 'what'), by: text(0, 'who'), reason: text(0, 'because') }],
    steps,
    evidence: steps.map((s, i) => ({ id: s.id, kind: text(i, 'kind'), digest: text(i, 'digest') })),
    insights: Array.from({ length: some }, (_, i) => ({
      id: id(i),
      type: text(i, 'type'),
      severity: text(i, 'severity'),
      summary: text(i, 'insight'),
      confidence: 0.5,
      evidence: [id(i), text(i, 'nothing')],
    })),
    recommendations: Array.from({ length: some }, (_, i) => ({
      id: id(i),
      type: text(i, 'type'),
      title: text(i, 'advice'),
      impact: text(i, 'impact'),
      severity: text(i, 'severity'),
      status: text(i, 'status'),
      evidence: [id(i)],
      decidedBy: text(i, 'person'),
      decidedAt: text(i, 'when'),
      comment: text(i, 'comment'),
    })),
    ruleDraft: { rule_name: text(0, 'rule'), [text(0, 'threshold')]: 1 },
  };
}
