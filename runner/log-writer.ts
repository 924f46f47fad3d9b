import { closeSync, constants, openSync } from 'node:fs';
import { writeAll } from './state';

const newline = 0x0a;
/** What has no end by then is written as it is. */
const longestLine = 1024 * 1024;

/**
 * The log of a command: whole lines of both its streams, those of standard error marked, and no more bytes than it may have.
 * Written at once, so that a command that writes faster than the disk waits.
 */
export class LogWriter {
  private readonly file: number;
  private readonly open = new Map<string, Buffer>();
  /** Of the command; the first line, which is ours, does not count. */
  bytes = 0;

  constructor(
    path: string,
    private readonly mostBytes: number,
    title: string,
  ) {
    this.file = openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
    this.say(title);
  } // prettier-ignore

  get isFull(): boolean {
    return this.bytes >= this.mostBytes;
  }

  /** @param prefix before each line of this stream */
  take(chunk: Buffer, prefix: string): void {
    const all = Buffer.concat([this.open.get(prefix) ?? Buffer.alloc(0), chunk]);
    let from = 0;
    for (let to = all.indexOf(newline); to >= 0; to = all.indexOf(newline, from)) {
      this.line(all.subarray(from, to), prefix);
      from = to + 1;
    }
    const rest = all.subarray(from);
    if (rest.length > longestLine) this.line(rest, prefix);
    this.open.set(prefix, rest.length > longestLine ? Buffer.alloc(0) : Buffer.from(rest));
  }

  /** A line of ours. */
  say(text: string): void {
    writeAll(this.file, Buffer.from(`${text}\n`));
  }

  close(): void {
    for (const [prefix, rest] of this.open) if (rest.length) this.line(rest, prefix);
    closeSync(this.file);
  }

  private line(text: Buffer, prefix: string): void {
    const room = this.mostBytes - this.bytes;
    if (room <= 0) return;
    const whole = Buffer.concat([Buffer.from(prefix), text, Buffer.from([newline])]);
    const fits = whole.length <= room ? whole : Buffer.concat([whole.subarray(0, room - 1), Buffer.from([newline])]);
    writeAll(this.file, fits);
    this.bytes += fits.length;
  }
}
