import { YearTurn } from './clock';
import { parsers, plain } from './line';
import type { LineParser, Parsed } from './line';

const LOCKED_AFTER = 3;
const CONTINUATION =
  /^(?:\s+\S|Caused by: |Suppressed: |\.\.\. \d+ (?:more|common)|Traceback \(most recent|goroutine \d+ |[\w$]+(?:\.[\w$]+)*(?:Exception|Error)(?::|$)|[})\]]+[;,]?$)/;

/** A record with its time on the log's clock, or a line that belongs to the record before it. */
export type Reading = { kind: 'record'; parsed: Parsed; ms: number | null } | { kind: 'continuation' };

/** Finds out the format of a log line by line: what matched last is tried first. */
export class Reader {
  private readonly order: LineParser[] = [...parsers];
  private readonly years = new YearTurn();
  private timed = 0;
  /** Every time so far names a zone, and a year. */
  zoned = true;
  dated = true;

  read(line: string): Reading {
    for (let i = 0; i < this.order.length; i++) {
      const parse = this.order[i];
      const parsed = parse?.(line) ?? null;
      if (parse === undefined || parsed === null) continue;
      if (i > 0) {
        this.order.splice(i, 1);
        this.order.unshift(parse);
      }
      return { kind: 'record', parsed, ms: this.time(parsed) };
    }
    if (this.timed >= LOCKED_AFTER && CONTINUATION.test(line)) return { kind: 'continuation' };
    return { kind: 'record', parsed: plain(line), ms: null };
  }

  private time({ stamp }: Parsed): number | null {
    if (stamp === null) return null;
    this.timed += 1;
    this.zoned &&= stamp.zoned;
    this.dated &&= stamp.dated;
    return this.years.follow(stamp);
  }
}
