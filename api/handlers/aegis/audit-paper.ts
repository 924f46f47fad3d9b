import { setImmediate } from 'node:timers/promises';
import PDFDocument from 'pdfkit';
import type { ExportedRow } from '../../../db/log-export';

const margin = 36;
const lineHeight = 12;
/** Rows after which other requests of the process have theirs: setting one takes about a millisecond. */
const turn = 10;
const columns: readonly [title: string, width: number, of: (row: ExportedRow) => string][] = [
  ['time (UTC)', 112, (r) => r.timestamp.slice(0, 23).replace('T', ' ')],
  ['action', 110, (r) => r.action],
  ['tool', 120, (r) => r.tool ?? ''],
  ['decision', 52, (r) => r.decision],
  ['risk', 34, (r) => r.risk_score?.toFixed(2) ?? ''],
  ['agent', 60, (r) => r.agent_id?.slice(0, 8) ?? ''],
  ['reason', 170, (r) => r.reason ?? ''],
  ['event hash', 110, (r) => r.event_hash.slice(0, 20)],
];

/** The standard fonts have the characters of Western Europe; of others it is said that something stood there. */
const printable = (text: string): string => text.replace(/[^\u0020-\u007e\u00a0-\u00ff]/gu, '?');

/** Rows as a document of many pages, written while they come. What goes wrong ends it. */
export function onPaper(title: string, batches: AsyncIterable<readonly ExportedRow[]>): PDFKit.PDFDocument {
  const info = { Title: title, Producer: 'Wheelhouse' };
  const doc = new PDFDocument({ size: 'A4', layout: 'landscape', margin, info, autoFirstPage: false });
  const bottom = (): number => doc.page.height - margin - lineHeight;
  let [top, page] = [Infinity, 0];
  const line = (texts: readonly string[]): void => {
    let x = margin;
    texts.forEach((text, i) => {
      const width = columns[i]?.[1] ?? doc.page.width - 2 * margin;
      doc.text(printable(text), x, top, { width: width - 6, height: lineHeight, lineBreak: false, ellipsis: true });
      x += width;
    });
    top += lineHeight;
  };
  const newPage = (): void => {
    doc.addPage();
    page += 1;
    top = margin;
    doc.font('Helvetica-Bold').fontSize(8);
    doc.text(printable(`${title} - page ${page}`), margin, top, { lineBreak: false });
    top += 2 * lineHeight;
    line(columns.map(([name]) => name));
    doc.font('Helvetica').fontSize(7);
  };
  const write = async (): Promise<void> => {
    let rows = 0;
    newPage();
    for await (const batch of batches) {
      for (const row of batch) {
        if (top > bottom()) newPage();
        line(columns.map(([, , of]) => of(row)));
        rows += 1;
        if (rows % turn === 0) await setImmediate();
        if (doc.destroyed) return;
      }
    }
    if (top > bottom()) newPage();
    line([`${rows} rows`]);
    doc.end();
  };
  write().catch((e: unknown) => doc.destroy(e instanceof Error ? e : new Error(String(e))));
  return doc;
}
