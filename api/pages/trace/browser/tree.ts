import type { Line } from './outline';
import { byId } from './dom';

export interface TreeState {
  lines: readonly Line[];
  /** The lines that are shown, by index, in order. */
  shown: readonly number[];
  folded: ReadonlySet<number>;
  selected: number;
}

export interface TreeView {
  /** Draws what has changed (`shown` is another array where lines have); brings the selected line into view when asked. */
  draw(state: TreeState, reveal?: boolean): void;
  /** How many lines a page has. */
  page(): number;
}

const around = 10;

/**
 * A list of any length of which only the lines in view are elements: all lines have one height, so that where a line is
 * follows from its number. The selected one always exists, as the tree's active descendant.
 */
export function treeView(row: (index: number, state: TreeState) => HTMLElement, drawn: () => void): TreeView {
  const tree = byId('tree');
  const sheet = document.createElement('div');
  sheet.setAttribute('role', 'none');
  tree.append(sheet);
  const alive = new Map<number, HTMLElement>();
  let state: TreeState | null = null;
  let height = 1;
  const measure = (): void => {
    height = parseFloat(getComputedStyle(tree).getPropertyValue('--row')) || 36;
  };

  function render(): void {
    if (!state) return;
    const { shown, selected } = state;
    const first = Math.max(0, Math.floor(tree.scrollTop / height) - around);
    const last = Math.min(shown.length, Math.ceil((tree.scrollTop + tree.clientHeight) / height) + around);
    const wanted = new Map<number, number>();
    for (let place = first; place < last; place += 1) wanted.set(shown[place] ?? 0, place);
    const chosen = shown.indexOf(selected);
    if (chosen >= 0) wanted.set(selected, chosen);
    for (const [index, element] of alive) {
      if (wanted.has(index)) continue;
      element.remove();
      alive.delete(index);
    }
    const made: HTMLElement[] = [];
    for (const [index, place] of wanted) {
      if (alive.has(index)) continue;
      const element = row(index, state);
      element.style.transform = `translateY(${place * height}px)`;
      alive.set(index, element);
      made.push(element);
    }
    if (!made.length) return;
    sheet.append(...made);
    drawn();
  }

  function reveal(): void {
    const place = state?.shown.indexOf(state.selected) ?? -1;
    if (place < 0) return;
    const top = place * height;
    if (top < tree.scrollTop) tree.scrollTop = top;
    else if (top + height > tree.scrollTop + tree.clientHeight) tree.scrollTop = top + height - tree.clientHeight;
  }

  function redraw(): void {
    for (const element of alive.values()) element.remove();
    alive.clear();
    render();
  }
  tree.addEventListener('scroll', render, { passive: true });
  new ResizeObserver(() => {
    measure();
    if (!state) return;
    sheet.style.height = `${state.shown.length * height}px`;
    redraw();
  }).observe(tree);
  measure();
  return {
    draw(next, toSelected = false) {
      const same = state?.shown === next.shown;
      const was = state?.selected ?? 0;
      state = next;
      tree.setAttribute('aria-activedescendant', `line-${next.selected}`);
      if (!same) sheet.style.height = `${next.shown.length * height}px`;
      if (toSelected) reveal();
      if (!same) return redraw();
      // Only the selection has moved.
      alive.get(was)?.setAttribute('aria-selected', 'false');
      render();
      alive.get(next.selected)?.setAttribute('aria-selected', 'true');
    },
    page: () => Math.max(1, Math.floor(tree.clientHeight / height) - 1),
  };
}
