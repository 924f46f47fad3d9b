import type { Fields } from '../db/copy';
import { place } from '../db/log-verify';
import { printable, sha256 } from './canonical';
import { actionOf, event, executeTool, governed, said, shardOf, zeros } from './chain';

/** What stands before an entry. */
export interface Tails {
  seq: number;
  at: string;
  hash: string;
  shards: Map<number, string>;
}

const [quote, backslash, del] = [0x22, 0x5c, 0x7f];
/** What a byte is written as between quotes; 0: not as one byte. */
const kept = (below: number): Uint8Array =>
  Uint8Array.from({ length: 256 }, (_, c) => (c < 0x20 || c === quote || c === backslash || c >= below ? 0 : c));
const [inJson, inPrintable, inAction] = [kept(256), kept(del), kept(del)];
inAction['.'.charCodeAt(0)] = '_'.charCodeAt(0);

const literal = ({ before, column }: { before: string; column: keyof typeof place }) => ({
  before: Buffer.from(before),
  at: place[column],
});
const saidParts = said.map((part) => ({ ...literal(part), bare: part.bare }));
const eventParts = event.map(literal);
const [nothing, empty, end] = [Buffer.from('null'), Buffer.from('""'), Buffer.from('}')];
const call = Buffer.from(printable(executeTool));
/** Of a time with six digits after its second (`micros`). */
const instantLength = 32;

/** Shorter than this, a loop copies faster than a call. */
const callPays = 64;

/** A text that is put together for its hash, from parts that are bytes already; used over and over. */
class Text {
  #bytes = Buffer.allocUnsafeSlow(1 << 14);
  #end = 0;

  /** Begins anew, with room for what an entry may grow to when each byte of it is escaped. */
  begin(entry: Fields): void {
    this.#end = 0;
    const most = entry.bytes.length * 6 + 4096;
    if (this.#bytes.length < most) this.#bytes = Buffer.allocUnsafeSlow(most * 2);
  }

  put(part: Buffer, from = 0, to = part.length): void {
    if (to - from > callPays) {
      this.#end += part.copy(this.#bytes, this.#end, from, to);
      return;
    }
    const bytes = this.#bytes;
    let at = this.#end;
    for (let i = from; i < to; i += 1) bytes[at++] = part[i] as number;
    this.#end = at;
  }

  field({ bytes, from, to }: Fields, column: number): void {
    this.put(bytes, from[column], to[column]);
  }

  text(part: string): void {
    this.#end += this.#bytes.write(part, this.#end);
  }

  /** A field in quotes: byte by byte, unless one has to be escaped. */
  quoted(entry: Fields, column: number, as: Uint8Array, escape: (text: string) => string): void {
    const { bytes } = entry;
    const [out, to] = [this.#bytes, entry.to[column] as number];
    let at = this.#end;
    out[at++] = quote;
    for (let i = entry.from[column] as number; i < to; i += 1) {
      const c = as[bytes[i] as number] as number;
      if (c === 0) {
        this.text(escape(entry.text(column)));
        return;
      }
      out[at++] = c;
    }
    out[at++] = quote;
    this.#end = at;
  }

  sha256(): string {
    return sha256(this.#bytes.subarray(0, this.#end));
  }
}

/**
 * Tells whether an entry is beyond doubt what is written after `tails`, from its bytes as Postgres copied them out, and then
 * moves `tails` on. It has no words for what is wrong, and must vouch for nothing that the checker of log/verify.ts finds.
 */
export function soundness(tails: Tails): (entry: Fields) => boolean {
  const text = new Text();
  const digest = (entry: Fields): string => {
    text.begin(entry);
    for (const { before, at, bare } of saidParts) {
      text.put(before);
      if (entry.isNull(at)) text.put(nothing);
      else if (bare) text.field(entry, at);
      else text.quoted(entry, at, inJson, JSON.stringify);
    }
    text.put(end);
    return text.sha256();
  };
  const eventHash = (entry: Fields, prev: string): string => {
    text.begin(entry);
    text.text(prev);
    for (const { before, at } of eventParts) {
      text.put(before);
      if (entry.isNull(at)) text.put(empty);
      else if (at !== place.kind) text.quoted(entry, at, inPrintable, printable);
      else if (entry.begins(at, governed)) text.put(call);
      else text.quoted(entry, at, inAction, (kind) => printable(actionOf(kind)));
    }
    text.put(end);
    return text.sha256();
  };
  return (entry) => {
    const seq = String(tails.seq + 1);
    const timeFrom = tails.hash.length + seq.length + 2;
    const at = entry.ascii(place.linked, timeFrom, timeFrom + instantLength);
    const shard = shardOf(entry.isNull(place.request_id) ? null : entry.text(place.request_id));
    const eventPrev = tails.shards.get(shard) ?? zeros;
    if (at <= tails.at || !entry.is(place.chain_shard, String(shard))) return false;
    // After a break they are what stands, which may be anything.
    if (tails.hash.includes('\n') || eventPrev.includes('\n')) return false;
    const event = eventHash(entry, eventPrev);
    // One newline between any two and none in any of them: no other columns give this text.
    const linked = `${tails.hash}\n${seq}\n${at}\n${digest(entry)}\n${eventPrev}\n${event}`;
    const hash = sha256(linked);
    if (entry.ascii(place.linked) !== `${linked}\n${hash}`) return false;
    tails.seq += 1;
    tails.at = at;
    tails.hash = hash;
    tails.shards.set(shard, event);
    return true;
  };
}
