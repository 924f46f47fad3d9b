import escape from 'escape-html';
import type { Claim, Report } from '../../domain/harness';
import { reportStyle } from './report-style';

/** One recorded observation: what a citation on the page leads to. */
export interface EvidenceEntry {
  digest: string;
  step: number;
  tool: string;
}

export interface ReportPageMeta {
  ticketNumber: number;
  agentNumber: number;
  /** ISO 8601. */
  generatedAt: string;
  digests: readonly EvidenceEntry[];
}

const SHORT = 12;
const short = (digest: string): string => digest.slice(0, SHORT);
const percent = (confidence: number): number => Math.round(Math.max(0, Math.min(1, confidence)) * 100);

const referenceNames: Record<Report['references'][number]['kind'], string> = {
  blueprint: 'Blueprint',
  article: 'Article',
  ticket: 'Ticket',
};

/**
 * The report as one page that needs nothing else: no script, no font, no image, nothing from anywhere. Whatever stands
 * in the report was written by tools, logs and people; all of it is escaped.
 */
export function renderReportPage(report: Report, meta: ReportPageMeta): string {
  const known = new Set(meta.digests.map(({ digest }) => digest));
  const cites = (digests: readonly string[]): string => citations(digests, known);
  const findings = report.claims.filter(({ kind }) => kind === 'finding');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escape(report.title)}</title>
<style>${reportStyle}</style>
</head>
<body>
<header>
<p class="kicker">Ticket #${meta.ticketNumber} · Agent ${meta.agentNumber} · <time datetime="${escape(meta.generatedAt)}">${escape(readable(meta.generatedAt))}</time></p>
<h1>${escape(report.title)}</h1>
<p class="summary">${escape(report.summary)}</p>
</header>
<main>
${section('Hypotheses', list(report.hypotheses.map((claim, i) => hypothesis(claim, i, cites))) || '<p class="quiet">None: the evidence carries no explanation.</p>')}
${section(
  'Findings',
  list(
    findings.map((claim) => `<li>${escape(claim.statement)} ${cites(claim.cites)}</li>`),
    'ul',
    'findings',
  ),
)}
${report.tables.map((table) => tableSection(table, cites)).join('\n')}
${section(
  'Known cases',
  list(
    report.references.map((reference) => referenceItem(reference, cites)),
    'ul',
  ),
)}
${section('What people asked', report.steering.map((entry) => steeringItem(entry, cites)).join('\n'))}
${section(
  'Limits of this analysis',
  list(
    report.limits.map((limit) => `<li>${escape(limit)}</li>`),
    'ul',
    'limits',
  ),
)}
${section('Evidence', evidence(meta.digests))}
</main>
<footer><p>Every statement above names the recorded observations it rests on. A digest is the SHA-256 of what the tool answered, as the log of the control plane holds it.</p></footer>
</body>
</html>
`;
}

/** Nothing where there is nothing to show. */
function section(title: string, body: string): string {
  return body === '' ? '' : `<section><h2>${escape(title)}</h2>\n${body}</section>`;
}

function list(items: readonly string[], tag: 'ol' | 'ul' = 'ol', name = 'ranked'): string {
  return items.length === 0 ? '' : `<${tag} class="${name}">\n${items.join('\n')}\n</${tag}>`;
}

function hypothesis(claim: Claim, rank: number, cites: (digests: readonly string[]) => string): string {
  const strength = percent(claim.confidence);
  return `<li${rank === 0 ? ' class="leading"' : ''}><p>${escape(claim.statement)} ${cites(claim.cites)}</p>
<p class="strength"><span class="bar"><span style="width:${strength}%"></span></span> strength of evidence ${strength} %</p></li>`;
}

/** An address or a time is never broken over two lines; a sentence is. */
function cell(value: string | number): string {
  if (typeof value === 'number') return `<td class="number">${value}</td>`;
  return `<td${/^\S{1,44}$/.test(value) ? ' class="unbroken"' : ''}>${escape(value)}</td>`;
}

function tableSection(table: Report['tables'][number], cites: (digests: readonly string[]) => string): string {
  const isNumber = (column: number): boolean =>
    table.rows.length > 0 && table.rows.every((row) => typeof row[column] === 'number');
  const head = table.columns
    .map((name, i) => `<th scope="col"${isNumber(i) ? ' class="number"' : ''}>${escape(name)}</th>`)
    .join('');
  const rows = table.rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`).join('\n');
  return section(
    table.title,
    `<div class="scroll" tabindex="0" role="region" aria-label="${escape(table.title)}"><table><thead><tr>${head}</tr></thead><tbody>
${rows}
</tbody></table></div>
<p class="quiet">${cites(table.cites)}</p>`,
  );
}

function referenceItem(
  { kind, id, title, cites: digests }: Report['references'][number],
  cites: (digests: readonly string[]) => string,
): string {
  return `<li>${referenceNames[kind]} #${id}: ${escape(title)} ${cites(digests)}</li>`;
}

function steeringItem(entry: Report['steering'][number], cites: (digests: readonly string[]) => string): string {
  return `<article><blockquote><p>${escape(entry.body)}</p><p class="quiet">${escape(entry.author)}</p></blockquote>
<p>${escape(entry.answer)} ${cites(entry.cites)}</p></article>`;
}

/** Links to the list at the end; a digest that is not in it is shown as it is. */
function citations(digests: readonly string[], known: ReadonlySet<string>): string {
  const links = digests.map((digest) => {
    const text = `<code>${escape(short(digest))}</code>`;
    return known.has(digest) ? `<a href="#e-${escape(digest)}" title="${escape(digest)}">${text}</a>` : text;
  });
  return links.length === 0 ? '' : `<span class="cites">${links.join(' ')}</span>`;
}

function evidence(entries: readonly EvidenceEntry[]): string {
  const once = new Map<string, EvidenceEntry[]>();
  for (const entry of entries) once.set(entry.digest, [...(once.get(entry.digest) ?? []), entry]);
  const items = [...once].map(([digest, same]) => {
    const steps = same.map(({ step, tool }) => `step ${step}, ${escape(tool)}`).join('; ');
    return `<li id="e-${escape(digest)}"><span>${steps}</span> <code>${escape(digest)}</code></li>`;
  });
  return list(items, 'ul', 'evidence');
}

/** `2026-01-31 12:00 UTC`; what is no date stays as it is. */
function readable(iso: string): string {
  const ms = Date.parse(iso);
  return Number.isNaN(ms) ? iso : `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
