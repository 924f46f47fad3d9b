import { duration } from '../format';
import { el } from './dom';
import type { Scale } from './scale';
import type { TreeState } from './tree';

export interface RowActions {
  select(index: number): void;
  fold(index: number): void;
}

const deepest = 12;

/** A step's place on the timeline; never too thin to be seen. */
function bar(scale: Scale, startedAt: string, durationMs: number): HTMLElement {
  const from = Date.parse(startedAt);
  const [left, right] = [scale.at(from), scale.at(from + durationMs)];
  const mark = el('span', { class: 'mark' });
  mark.style.left = `min(${left * 100}%, 100% - 3px)`;
  mark.style.width = `max(3px, ${(right - left) * 100}%)`;
  return el('span', { class: 'track', aria: { hidden: true } }, mark);
}

/** A line of the tree: what it was, how long it took, and when. */
export function rowOf(index: number, state: TreeState, scale: Scale, act: RowActions): HTMLElement {
  const line = state.lines[index];
  const step = line?.step ?? null;
  const row = el('div', {
    id: `line-${index}`,
    role: 'treeitem',
    class: `row ${step ? `${step.kind} ${step.state}` : 'overview'}`,
    aria: {
      level: line?.level ?? 1,
      posinset: line?.place ?? 1,
      setsize: line?.siblings ?? 1,
      selected: index === state.selected,
      ...(line?.children && { expanded: !state.folded.has(index) }),
    },
    click: () => act.select(index),
  });
  row.style.setProperty('--level', String(Math.min(line?.level ?? 1, deepest)));
  const twisty = el('span', { class: 'twisty', aria: { hidden: true } });
  if (line?.children) {
    twisty.classList.add('foldable');
    twisty.addEventListener('click', (event) => {
      event.stopPropagation();
      act.fold(index);
    });
  }
  if (!step) {
    row.append(twisty, el('span', { class: 'title' }, 'Overview'));
    return row;
  }
  row.append(
    twisty,
    el('span', { class: 'kind' }, step.kind),
    el('span', { class: 'title', title: step.title }, step.title),
    step.state === 'ok' ? '' : el('span', { class: 'state' }, step.state),
    el('span', { class: 'took' }, duration(step.durationMs)),
    bar(scale, step.startedAt, step.durationMs),
  );
  return row;
}

/** Times along the top of the timeline, from its beginning; and where it was cut short. */
export function axis(scale: Scale): HTMLElement[] {
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((place) => {
    const tick = el('span', { class: 'tick' }, duration(scale.moment(place) - scale.from));
    tick.style.left = `${place * 100}%`;
    return tick;
  });
  const breaks = scale.breaks.map(({ place, ms }) => {
    const mark = el('span', { class: 'break', title: `nothing for ${duration(ms)}` });
    mark.style.left = `${place * 100}%`;
    return mark;
  });
  return [el('span', { class: 'ruler' }, ...ticks, ...breaks)];
}
