import escape from 'escape-html';
import type { Trace } from '../../../db/traces';

const json = (value: unknown): string => `<pre>${escape(JSON.stringify(value, null, 2))}</pre>`;
const section = (title: string, items: readonly string[]): string =>
  items.length ? `<section><h2>${title}</h2>${items.join('')}</section>` : '';
const entry = (title: string, ...inner: string[]): string =>
  `<details><summary>${escape(title)}</summary>${inner.join('')}</details>`;

/** Everything that an investigation recorded, as one HTML file that asks for nothing else. All of it is escaped. */
export function tracePage(t: Trace): string {
  const { investigation: it } = t;
  const title = `Investigation ${it.id}`;
  const steps = t.executions.map((e) =>
    entry(`${e.step}. ${e.tool}: ${e.decision}, ${e.durationMs.toFixed(1)} ms`, json({ input: e.args, output: e.result, digest: e.resultDigest, started: e.startedAt, error: e.error })),
  ); // prettier-ignore
  const decisions = t.decisions.map((d) =>
    entry(
      `${d.phase} by ${d.decidedBy}: ${d.reason}`,
      json({ decision: d.decision, prompt: d.prompt, answer: d.answer }),
    ),
  );
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><title>${escape(title)}</title></head><body>
<h1>${escape(title)}</h1><p>${escape(`${it.status}, ${it.mode}, severity ${it.severity ?? '-'}, confidence ${it.confidence ?? '-'}`)}</p>
${section(
  'Moves',
  t.moves.map((m) => `<p>${escape(`${m.at} ${m.kind} by ${m.actor} ${m.reason ?? ''}`)}</p>`),
)}
${section('Planner decisions', decisions)}${section('Steps', steps)}
${section(
  'Insights',
  t.insights.map((i) => entry(`${i.severity}: ${i.summary}`, json(i.evidence))),
)}
${section(
  'Recommendations',
  t.recommendations.map((r) => entry(`${r.status}: ${r.title}`, json(r))),
)}
${t.ruleDraft ? section('Rule draft', [json(t.ruleDraft)]) : ''}</body></html>`;
}
