export interface Moves {
  by(lines: number): void;
  page(direction: 1 | -1): void;
  toEnd(direction: 1 | -1): void;
  /** Folds the line, or goes to the one above it. */
  fold(): void;
  /** Opens the line, or goes to its first part. */
  unfold(): void;
  open(): void;
  search(): void;
  back(): void;
}

/** As in a tree of the platform (ARIA practices), and as in vi. */
const inTree: Record<string, (m: Moves) => void> = {
  j: (m) => m.by(1),
  ArrowDown: (m) => m.by(1),
  k: (m) => m.by(-1),
  ArrowUp: (m) => m.by(-1),
  h: (m) => m.fold(),
  ArrowLeft: (m) => m.fold(),
  l: (m) => m.unfold(),
  ArrowRight: (m) => m.unfold(),
  PageDown: (m) => m.page(1),
  PageUp: (m) => m.page(-1),
  Home: (m) => m.toEnd(-1),
  End: (m) => m.toEnd(1),
  Enter: (m) => m.open(),
};

/** Listens on the whole page; where somebody types, or uses a button, their keys are theirs. */
export function listen(tree: HTMLElement, search: HTMLElement, moves: Moves): void {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const { target, key } = event;
    const inSearch = target === search;
    const free = target === tree || target === document.body;
    let act: ((m: Moves) => void) | undefined;
    if (key === 'Escape') act = (m) => m.back();
    else if (inSearch) act = key === 'Enter' || key === 'ArrowDown' ? (m) => m.by(0) : undefined;
    else if (key === '/') act = (m) => m.search();
    else if (free && Object.hasOwn(inTree, key)) act = inTree[key];
    else if (key === 'j' || key === 'k') act = inTree[key]; // reading on in the detail
    if (!act) return;
    event.preventDefault();
    act(moves);
  });
}
