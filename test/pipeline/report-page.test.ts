import type { Report } from '../../domain/harness';
import { renderReportPage } from '../../pipeline/tools/report-page';

const digest = 'ab'.repeat(32);
const evil = `<script>alert("x")</script><img src=x onerror='y'>&`;
const claim = { statement: evil, kind: 'hypothesis' as const, confidence: 0.9, cites: [digest, 'unknown"><b>'] };
const report: Report = {
  title: evil,
  summary: evil,
  claims: [claim, { ...claim, kind: 'finding', statement: 'a finding' }],
  hypotheses: [claim],
  tables: [
    {
      title: evil,
      columns: [evil, 'Times'],
      rows: [
        [evil, 3],
        ['198.51.100.7', 286],
      ],
      cites: [digest],
    },
  ],
  references: [{ kind: 'blueprint', id: 7, title: evil, cites: [digest] }],
  limits: [evil],
  steering: [{ id: 's', author: evil, body: evil, answer: evil, cites: [digest] }],
};
const meta = {
  ticketNumber: 12,
  agentNumber: 3,
  generatedAt: '2026-01-31T12:00:00.000Z',
  digests: [{ digest, step: 4, tool: 'logs.errors' }],
};
const html = renderReportPage(report, meta);

describe('the page of a report', () => {
  it('escapes whatever stands in the report', () => {
    expect(html).not.toMatch(/<script|<img|onerror='|<b>/);
    expect(html).toContain('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;');
  });

  it('needs nothing from anywhere: no script, no link to a file, no import', () => {
    expect(html).not.toMatch(/<(?:script|link|iframe|object|img|form)\b/);
    expect(html).not.toMatch(/\b(?:src|href)="(?!#)|url\(|@import/);
  });

  it('links each citation to the evidence, and shows one that leads nowhere as text', () => {
    expect(html).toContain(`<a href="#e-${digest}" title="${digest}"><code>${digest.slice(0, 12)}</code></a>`);
    expect(html.split(`id="e-${digest}"`).length).toBe(2);
    expect(html).toContain('step 4, logs.errors');
    expect(html).not.toContain('href="#e-unknown');
  });

  it('shows title, time, strength, tables and references', () => {
    expect(html).toContain('Ticket #12 · Agent 3');
    expect(html).toContain('2026-01-31 12:00 UTC');
    expect(html).toContain('strength of evidence 90 %');
    expect(html).toMatch(/<td class="unbroken">198\.51\.100\.7<\/td><td class="number">286<\/td>/);
    expect(html).toContain('Blueprint #7');
  });

  it('has no empty sections', () => {
    const bare = renderReportPage(
      { ...report, claims: [], hypotheses: [], tables: [], references: [], limits: [], steering: [] },
      { ...meta, digests: [] },
    );
    expect(bare).toContain('the evidence carries no explanation');
    expect(bare.match(/<section>/g)?.length).toBe(1);
  });
});
