import { Counter } from './counter';
import { Span } from './span';
import { detach } from './text';
import type { Excerpt } from './types';

/**
 * Template mining after Drain (He, Zhu, Zheng, Lyu: "Drain: An Online Log Parsing Approach with Fixed Depth Tree",
 * ICWS 2017): the number of words and the first words lead to a short list of templates, of which the most similar one
 * takes the line and gives up the words that differ.
 */
export const WILDCARD = '<*>';
const SIMILAR = 0.5;
/** First words looked at on the way down the tree. */
const DEPTH = 2;
const MAX_CHILDREN = 100;
const MAX_WORDS = 60;
const MAX_PARAMETERS = 8;
const VALUES_KEPT = 48;

export interface Parameter {
  position: number;
  /** Characters of the word that are the same in every line, before and after what varies. */
  before: number;
  after: number;
  values: Counter;
}

export class Cluster {
  events = 0;
  lines = 0;
  failing = 0;
  readonly span = new Span();
  /** Events before the first of this template. */
  eventsBefore = 0;
  readonly levels = new Map<string, number>();
  readonly signals = new Set<string>();
  /** Events by bucket of the timeline. */
  buckets = new Map<number, number>();
  parameters: Parameter[] = [];

  constructor(
    readonly id: number,
    readonly process: string | null,
    public words: string[],
    readonly example: Excerpt,
  ) {
    this.track();
  }

  get text(): string {
    return this.words.join(' ');
  }

  /** The words that the two have in common stay; `key=a` and `key=b` become `key=<*>`. */
  generalise(words: readonly string[]): void {
    if (this.words.every((own, i) => own === words[i] || own === WILDCARD)) return;
    const before = this.words;
    this.words = before.map((own, i) => {
      const other = words[i] ?? '';
      if (own === other || own === WILDCARD) return own;
      const key = /^[\w.-]+=/.exec(own)?.[0];
      return key !== undefined && other.startsWith(key) ? `${key}${WILDCARD}` : WILDCARD;
    });
    this.track(before);
  }

  /** Counts the values of this message where the template has none of its own. */
  observe(message: string, events: number): void {
    let position = 0;
    let from = 0;
    for (const parameter of this.parameters) {
      for (; position < parameter.position; position++) {
        from = message.indexOf(' ', from) + 1;
        if (from === 0) return;
      }
      const space = message.indexOf(' ', from);
      const end = (space < 0 ? message.length : space) - parameter.after;
      const start = from + parameter.before;
      parameter.values.add(message.slice(start, Math.min(end, start + 80)), events);
    }
  }

  /** A word that becomes a parameter had one value until now, in every line before. */
  private track(before: readonly string[] = this.words): void {
    const known = new Map(this.parameters.map((parameter) => [parameter.position, parameter]));
    const positions = this.words.flatMap((word, position) => (word.includes('<') ? [position] : []));
    this.parameters = positions.slice(0, MAX_PARAMETERS).map((position) => {
      const word = this.words[position] ?? '';
      const own = before[position] ?? '';
      const kept = known.get(position);
      if (kept !== undefined && own === word) return kept;
      const values = new Counter(VALUES_KEPT);
      if (this.events > 0) values.add(own.slice(word.indexOf('<')), this.events);
      const after = word.length - word.lastIndexOf('>') - 1;
      return { position, before: word.indexOf('<'), after, values };
    });
  }
}

interface Node {
  children: Map<string, Node>;
  clusters: Cluster[];
}

const node = (): Node => ({ children: new Map(), clusters: [] });
const varies = (word: string): boolean => /[<\d]/.test(word);

export class Drain {
  readonly clusters: Cluster[] = [];
  private readonly root = node();

  constructor(private readonly maxClusters: number) {}

  /** The template that takes these masked words; null when there is none and no room for another. */
  match(process: string | null, words: readonly string[], at: () => Excerpt): Cluster | null {
    const kept = words.length > MAX_WORDS ? [...words.slice(0, MAX_WORDS), WILDCARD] : words;
    const full = this.clusters.length >= this.maxClusters;
    const leaf = this.leaf(process, kept, !full);
    const best = leaf && mostSimilar(leaf.clusters, kept);
    if (best !== null) {
      best.generalise(kept);
      return best;
    }
    if (full || leaf === null) return null;
    const created = new Cluster(this.clusters.length + 1, process, kept.map(detach), at());
    this.clusters.push(created);
    leaf.clusters.push(created);
    return created;
  }

  /** Where templates with these first words are kept; null when there are none and none may be added. */
  private leaf(process: string | null, words: readonly string[], grow: boolean): Node | null {
    let at = this.child(this.root, `${process ?? ''} ${words.length}`, Number.POSITIVE_INFINITY, grow);
    for (const word of words.slice(0, DEPTH)) {
      at = at && this.child(at, varies(word) ? WILDCARD : word, MAX_CHILDREN, grow);
    }
    return at;
  }

  private child(parent: Node, key: string, room: number, grow: boolean): Node | null {
    const chosen = parent.children.has(key) || parent.children.size < room ? key : WILDCARD;
    const known = parent.children.get(chosen);
    if (known !== undefined || !grow) return known ?? null;
    const created = node();
    parent.children.set(detach(chosen), created);
    return created;
  }
}

function mostSimilar(clusters: readonly Cluster[], words: readonly string[]): Cluster | null {
  let best: Cluster | null = null;
  let bestScore = -1;
  for (const cluster of clusters) {
    let same = 0;
    for (let i = 0; i < words.length; i++) if (cluster.words[i] === words[i]) same += 1;
    const score = words.length === 0 ? 1 : same / words.length;
    if (score > bestScore) [best, bestScore] = [cluster, score];
  }
  return bestScore >= SIMILAR ? best : null;
}
