import type { TraceDocument } from '../../../../domain/trace';
import { count, moment, percent } from '../format';
import { block, type Folds } from './block';
import { badge } from './detail';
import { el } from './dom';

/** Shown at once of a long list. */
const atOnce = 200;

type Cite = (id: string) => HTMLElement;

function list<T>(name: string, items: readonly T[], each: (item: T) => HTMLElement): HTMLElement[] {
  if (!items.length) return [];
  const ul = el('ul', { class: 'cards' }, ...items.slice(0, atOnce).map(each));
  const more = el('button', { class: 'more' }, `Show all ${count(items.length)}`);
  more.addEventListener('click', () => {
    ul.append(...items.slice(atOnce).map(each));
    more.remove();
  });
  const heading = el('h3', {}, name, el('span', { class: 'size' }, count(items.length)));
  return [el('section', { class: 'part', aria: { label: name } }, heading, ul, items.length > atOnce ? more : null)];
}

const cites = (ids: readonly string[], cite: Cite): HTMLElement =>
  el('p', { class: 'cites' }, 'Rests on ', ...ids.flatMap((id) => [cite(id), ' ']));

const texts = (name: string, items: readonly string[]): HTMLElement[] =>
  list(name, items, (text) => el('li', {}, el('p', {}, text)));

/** What came of the investigation. `open` selects a step, `titleOf` names it; null: it has no such step. */
export function overview(
  t: TraceDocument,
  titleOf: (id: string) => string | null,
  open: (id: string) => void,
  folds: Folds,
): Node[] {
  const cite: Cite = (id) => {
    const title = titleOf(id);
    if (title === null) return el('span', { class: 'cite' }, id);
    return el('button', { class: 'cite', title: 'Show this step', click: () => open(id) }, title);
  };
  const insights = list('Insights', t.insights, (i) =>
    el(
      'li',
      {},
      el('p', { class: 'kicker' }, badge(i.severity), ` ${i.type} · ${percent(i.confidence)} sure`),
      el('p', {}, i.summary),
      cites(i.evidence, cite),
    ),
  );
  const recommendations = list('Recommendations', t.recommendations, (r) =>
    el(
      'li',
      {},
      el('p', { class: 'kicker' }, badge(r.severity), ' ', badge(r.status), ` ${r.type}`),
      el('p', { class: 'strong' }, r.title),
      el('p', {}, r.impact),
      r.decidedBy === null ? null : el('p', { class: 'quiet' }, `${r.decidedBy}, ${moment(r.decidedAt ?? '')}`),
      r.comment === null ? null : el('blockquote', {}, r.comment),
      cites(r.evidence, cite),
    ),
  );
  const evidence = list('Evidence', t.evidence, (e) =>
    el(
      'li',
      { class: 'line' },
      cite(e.id),
      el('span', { class: 'quiet' }, e.kind),
      el('code', { title: e.digest }, e.digest),
    ),
  );
  const moves = list('What became of it', t.moves, (m) =>
    el(
      'li',
      { class: 'line' },
      el('code', {}, moment(m.at)),
      el('span', {}, m.what),
      el('span', { class: 'quiet' }, m.by),
      m.reason === null ? null : el('span', {}, m.reason),
    ),
  );
  return [
    el('p', { class: 'kicker' }, t.id),
    el('h2', { id: 'detail-title' }, 'Overview'),
    ...(t.error === null ? [] : [el('p', { class: 'error' }, t.error)]),
    el('p', { class: 'summary' }, t.summary ?? 'There is no conclusion.'),
    ...insights,
    ...recommendations,
    ...texts('Limits', t.limits),
    ...evidence,
    ...(t.ruleDraft === null ? [] : [block({ name: 'Rule draft', value: t.ruleDraft }, folds)]),
    ...moves,
  ];
}
