import type { TraceStep } from '../../../../domain/trace';

/** A line of the tree, in the order in which they are shown. */
export interface Line {
  /** Null: the overview, which comes first. */
  step: TraceStep | null;
  /** From 1. */
  level: number;
  /** Of the line above it; -1 at the top. */
  parent: number;
  children: number;
  /** Its place among its siblings, from 1, and how many they are. */
  place: number;
  siblings: number;
}

/** Steps as a tree, depth first. A parent that does not come before its part is none. */
export function outline(steps: readonly TraceStep[]): Line[] {
  const parts = new Map<string | null, TraceStep[]>([[null, []]]);
  for (const step of steps) {
    const under = parts.get(step.parent) ?? parts.get(null);
    under?.push(step);
    if (!parts.has(step.id)) parts.set(step.id, []);
  }
  const top = parts.get(null) ?? [];
  const lines: Line[] = [{ step: null, level: 1, parent: -1, children: 0, place: 1, siblings: top.length + 1 }];
  const open = [{ of: top, next: 0, parent: -1, extra: 1 }];
  const opened = new Set<string>();
  for (let at = open.at(-1); at; at = open.at(-1)) {
    const step = at.of[at.next];
    if (!step) {
      open.pop();
      continue;
    }
    at.next += 1;
    const below = opened.has(step.id) ? [] : (parts.get(step.id) ?? []); // of two with one id, the first has the parts
    opened.add(step.id);
    const { parent, extra } = at;
    const children = below.length;
    lines.push({ step, level: open.length, parent, children, place: at.next + extra, siblings: at.of.length + extra });
    open.push({ of: below, next: 0, parent: lines.length - 1, extra: 0 });
  }
  return lines;
}

/** Which lines are shown: all that have no folded line above them; or, of a search, what was found and all above it. */
export function shown(
  lines: readonly Line[],
  folded: ReadonlySet<number>,
  found: ReadonlySet<number> | null,
): number[] {
  if (found) {
    const wanted = new Set([0]);
    for (const i of found) for (let at = i; at >= 0 && !wanted.has(at); at = lines[at]?.parent ?? -1) wanted.add(at);
    return [...wanted].sort((a, b) => a - b);
  }
  const hidden = new Set<number>();
  return lines.flatMap(({ parent }, i) => {
    if (parent < 0 || !(hidden.has(parent) || folded.has(parent))) return [i];
    hidden.add(i);
    return [];
  });
}
