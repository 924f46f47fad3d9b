// Colours text without touching it: ranges over the text nodes (CSS Custom Highlight API), no element for each word.

const most = 4000;
const json = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\b(true|false|null)\b/g;
type Name = 'key' | 'text' | 'number' | 'found';

const range = (node: Node, from: number, to: number): StaticRange =>
  new StaticRange({ startContainer: node, startOffset: from, endContainer: node, endOffset: to });

function tokens(node: Text, into: Record<Name, StaticRange[]>): void {
  let n = 0;
  for (const match of node.data.matchAll(json)) {
    if ((n += 1) > most) return;
    const [whole, quoted, colon] = match;
    const name = quoted === undefined ? 'number' : colon === undefined ? 'text' : 'key';
    into[name].push(
      range(node, match.index, match.index + (quoted !== undefined && name === 'key' ? quoted : whole).length),
    );
  }
}

function found(root: Node, terms: readonly string[], into: StaticRange[]): void {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const lower = (node.nodeValue ?? '').toLowerCase();
    if (lower.length !== node.nodeValue?.length) continue; // a few letters change their length: no place is sure then
    for (const term of terms) {
      for (let at = lower.indexOf(term); at >= 0 && into.length < most; at = lower.indexOf(term, at + term.length))
        into.push(range(node, at, at + term.length));
    }
  }
}

/** Colours JSON, and what was searched for, in what is shown now. A browser that can't shows it without. */
export function paint(roots: readonly Element[], terms: readonly string[]): void {
  if (!('highlights' in CSS)) return;
  const into: Record<Name, StaticRange[]> = { key: [], text: [], number: [], found: [] };
  for (const root of roots) {
    for (const pre of root.querySelectorAll('pre.json'))
      if (pre.firstChild instanceof Text) tokens(pre.firstChild, into);
    if (terms.length) found(root, terms, into.found);
  }
  for (const [name, ranges] of Object.entries(into)) CSS.highlights.set(name, new Highlight(...ranges));
}
