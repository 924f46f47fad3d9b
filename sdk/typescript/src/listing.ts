/** One page of a list. */
export interface Page<T> {
  items: T[];
  /** On all pages; null where the server does not count. */
  total: number | null;
  /** Where the next one begins; null: this was the last. */
  next: unknown;
}

/**
 * A list that the server has in pages. `await` gives the first page as an array (as many as `limit` says); `for await` goes
 * through all of them and asks for the next page when it is needed. Nothing is asked for before that.
 */
export class Listing<T> implements PromiseLike<T[]>, AsyncIterable<T> {
  readonly #ask: (at: unknown) => Promise<Page<T>>;

  /** @param ask gives the page that begins at `at`; the first for `null` */
  constructor(ask: (at: unknown) => Promise<Page<T>>) {
    this.#ask = ask;
  }

  // `await` asks for a `then`.
  then<A = T[], B = never>(
    resolve?: ((items: T[]) => A | PromiseLike<A>) | null,
    reject?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#ask(null)
      .then(({ items }) => items)
      .then(resolve, reject);
  }

  /** The first page, with how many there are. */
  page(): Promise<Page<T>> {
    return this.#ask(null);
  }

  async *pages(): AsyncGenerator<T[], void> {
    for (let at: unknown = null; ;) {
      const { items, next } = await this.#ask(at);
      if (items.length > 0) yield items;
      if (next === null) return;
      at = next;
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void> {
    let before = new Set<unknown>();
    for await (const items of this.pages()) {
      // What is new at the front of a list moves the rest on by as much: the page after begins with what was seen.
      const ids = items.map((item) => (item as { id?: unknown }).id);
      for (const [i, item] of items.entries()) if (ids[i] === undefined || !before.has(ids[i])) yield item;
      before = new Set(ids);
    }
  }

  /** All of them, at most `most`. */
  async all(most = Infinity): Promise<T[]> {
    const found: T[] = [];
    if (most <= 0) return found;
    for await (const item of this) {
      found.push(item);
      if (found.length >= most) break;
    }
    return found;
  }
}
