import { detach } from './text';

/**
 * Rows by key within bounded memory, as `Counter` does it for plain counts: at twice the capacity the lighter half is
 * forgotten, and `exact` says that from then on rows are lower bounds.
 */
export class Table<Row> {
  private readonly rows = new Map<string, Row>();
  private forgotten = 0;

  constructor(
    private readonly capacity: number,
    private readonly create: () => Row,
    private readonly weight: (row: Row) => number,
  ) {}

  /** The row of this key, made when it is new. */
  row(key: string): Row {
    const known = this.rows.get(key);
    if (known !== undefined) return known;
    if (this.rows.size >= this.capacity * 2) this.forget();
    const created = this.create();
    this.rows.set(detach(key), created);
    return created;
  }

  peek(key: string): Row | null {
    return this.rows.get(key) ?? null;
  }

  /** When not exact: an estimate. */
  get distinct(): number {
    return this.rows.size + this.forgotten;
  }

  get exact(): boolean {
    return this.forgotten === 0;
  }

  /** Heaviest first; equals by key, so that the same file always gives the same report. */
  heaviest(): [string, Row][] {
    return [...this.rows].sort((a, b) => this.weight(b[1]) - this.weight(a[1]) || (a[0] < b[0] ? -1 : 1));
  }

  private forget(): void {
    for (const [key] of this.heaviest().slice(this.capacity)) {
      this.rows.delete(key);
      this.forgotten += 1;
    }
  }
}
