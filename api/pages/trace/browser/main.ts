import type { TraceDocument } from '../../../../domain/trace';
import { count } from '../format';
import type { Folds } from './block';
import { stepDetail } from './detail';
import { byId, el, say } from './dom';
import { listen } from './keys';
import { outline, shown } from './outline';
import { overview } from './overview';
import { paint } from './paint';
import { axis, rowOf } from './row';
import { scaleOf } from './scale';
import { searcher, termsOf } from './search';
import { treeView, type TreeState } from './tree';

const trace = JSON.parse(byId('trace').textContent ?? '') as TraceDocument;
const lines = outline(trace.steps);
const lineOf = new Map(lines.flatMap(({ step }, i) => (step ? [[step.id, i] as const] : [])).toReversed());
const scale = scaleOf(
  trace.steps.map(({ startedAt, durationMs }) => ({
    from: Date.parse(startedAt),
    to: Date.parse(startedAt) + durationMs,
  })),
);
const find = searcher(lines, trace);

const [tree, detail, panes, axisLine] = [byId('tree'), byId('detail'), byId('panes'), byId('axis')];
const search = byId('search') as HTMLInputElement;

const folded = new Set<number>();
const closedBlocks = new Set<string>();
let terms: string[] = [];
let found: Set<number> | null = null;
let state: TreeState = { lines, shown: shown(lines, folded, found), folded, selected: 0 };

const colour = (): void => paint([tree, detail], terms);
const folds: Folds = {
  isOpen: (name) => !closedBlocks.has(name),
  set: (name, open) => void (open ? closedBlocks.delete(name) : closedBlocks.add(name)),
  changed: colour,
};
const view = treeView(
  (index, of) => rowOf(index, of, scale, { select: (i) => choose(i, true), fold: (i) => toggle(i, !folded.has(i)) }),
  () => terms.length && colour(),
);

function showDetail(): void {
  const step = lines[state.selected]?.step ?? null;
  const back = el('button', { class: 'back', click: () => moves.back() }, 'All steps');
  const titleOf = (id: string): string | null => lines[lineOf.get(id) ?? -1]?.step?.title ?? null;
  const open = (id: string): void => choose(lineOf.get(id) ?? 0, true);
  detail.replaceChildren(back, ...(step ? stepDetail(step, scale.from, folds) : overview(trace, titleOf, open, folds)));
  detail.scrollTop = 0;
  colour();
}

/** Selects a line; `open`: also shows its detail where there is room for one of both only. */
function choose(index: number, open = false): void {
  const changed = index !== state.selected;
  let visible = state.shown;
  if (!visible.includes(index)) {
    for (let at = lines[index]?.parent ?? -1; at >= 0; at = lines[at]?.parent ?? -1) folded.delete(at);
    if (found) clearSearch();
    visible = shown(lines, folded, found);
  }
  state = { ...state, shown: visible, selected: index };
  view.draw(state, true);
  if (changed) showDetail();
  if (open) panes.dataset['open'] = '';
}

function toggle(index: number, fold: boolean): void {
  if (fold) folded.add(index);
  else folded.delete(index);
  const visible = shown(lines, folded, found);
  // What is selected does not get lost in what was folded over it.
  let selected = state.selected;
  while (!visible.includes(selected) && selected > 0) selected = lines[selected]?.parent ?? 0;
  const changed = selected !== state.selected;
  state = { ...state, shown: visible, selected: Math.max(0, selected) };
  view.draw(state);
  if (changed) showDetail();
}

function setAll(fold: boolean): void {
  folded.clear();
  if (fold) lines.forEach((line, i) => line.children && folded.add(i));
  closedBlocks.clear();
  if (fold) for (const name of document.querySelectorAll('#detail .fold')) closedBlocks.add(name.textContent ?? '');
  let { selected } = state;
  if (fold) while ((lines[selected]?.parent ?? -1) >= 0) selected = lines[selected]?.parent ?? 0;
  state = { ...state, shown: shown(lines, folded, found), selected };
  view.draw(state, true);
  showDetail();
  say(fold ? 'All collapsed' : 'All expanded');
}

function clearSearch(): void {
  search.value = '';
  look();
}

function look(): void {
  terms = termsOf(search.value);
  found = find(terms);
  const steps = found ? [...found].filter((i) => i > 0).length : 0;
  byId('found').textContent = found ? `${count(steps)} of ${count(trace.steps.length)}` : '';
  state = { ...state, shown: shown(lines, folded, found) };
  view.draw(state);
  colour();
}

const place = (): number => state.shown.indexOf(state.selected);
const step = (to: number): void => {
  const at = Math.min(state.shown.length - 1, Math.max(0, to));
  choose(state.shown[at] ?? 0);
};
const moves = {
  by(n: number) {
    if (document.activeElement === search) {
      const first = found ? state.shown.find((i) => found?.has(i) && i > 0) : undefined;
      tree.focus();
      if (first !== undefined) choose(first);
    } else step(place() + n);
  },
  page: (direction: 1 | -1) => step(place() + direction * view.page()),
  toEnd: (direction: 1 | -1) => step(direction < 0 ? 0 : state.shown.length - 1),
  fold() {
    const line = lines[state.selected];
    if (line?.children && !folded.has(state.selected) && !found) toggle(state.selected, true);
    else if (line && line.parent >= 0) choose(line.parent);
  },
  unfold() {
    if (!lines[state.selected]?.children) return;
    if (folded.has(state.selected) && !found) toggle(state.selected, false);
    else step(place() + 1);
  },
  open() {
    panes.dataset['open'] = '';
    detail.focus();
  },
  search() {
    search.focus();
    search.select();
  },
  back() {
    if (document.activeElement === search) clearSearch();
    delete panes.dataset['open'];
    tree.focus();
  },
};

search.addEventListener('input', look);
byId('expand').addEventListener('click', () => setAll(false));
byId('collapse').addEventListener('click', () => setAll(true));
listen(tree, search, moves);
axisLine.append(...axis(scale));
view.draw(state);
showDetail();
tree.focus({ preventScroll: true });
