import type { IncomingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import { Damaged, verified, type ByteRange } from '../../../log/files';
import type { Reply } from '../../operation';

/** A file that somebody may save. */
interface Saved {
  sha256: string;
  sizeBytes: number;
  name: string;
  /** What its bytes say; what its uploader said is no type to answer with. */
  type: string | null;
  open(range?: ByteRange): Promise<Readable>;
  /** Told when the bytes are others than were stored. */
  damaged(e: Damaged): void;
}

/** `bytes=0-99`, `bytes=100-` or `bytes=-50`; null for none, and for what need not be understood: several, other units. */
export function rangeOf(header: string | undefined, size: number): ByteRange | 'unsatisfiable' | null {
  const [, from, to] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
  if (from === undefined || to === undefined || (from === '' && to === '')) return null;
  if (from === '') return Number(to) === 0 || size === 0 ? 'unsatisfiable' : { start: Math.max(0, size - Number(to)), end: size - 1 }; // prettier-ignore
  const start = Number(from);
  const end = to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (to !== '' && Number(to) < start) return null; // not a range at all
  return start >= size ? 'unsatisfiable' : { start, end };
}

/** In the form that every client reads, and in the one that holds every name (RFC 6266). */
function dispositionOf(name: string): string {
  const plain = name.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  const coded = encodeURIComponent(name.toWellFormed()).replace(
    /['()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${coded}`;
}

/**
 * A stranger's bytes: to be saved, whatever they are, and with no right to anything if a browser shows them after all.
 * A whole file is held against its digest while it goes out, and breaks off before its end when it is another.
 */
export async function fileReply(asked: IncomingHttpHeaders, file: Saved): Promise<Reply> {
  const { sha256, sizeBytes } = file;
  const etag = `"${sha256}"`;
  const headers = {
    'Content-Disposition': dispositionOf(file.name),
    'Content-Security-Policy': "sandbox; default-src 'none'",
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'private, no-store',
    'Accept-Ranges': 'bytes',
    ETag: etag,
  };
  const type = file.type ?? 'application/octet-stream';
  const condition = asked['if-range'];
  const range = condition === undefined || condition === etag ? rangeOf(asked.range, sizeBytes) : null;
  if (range === 'unsatisfiable')
    return { type, body: '', status: 416, headers: { ...headers, 'Content-Range': `bytes */${sizeBytes}` } };
  if (range) {
    const { start, end } = range;
    const part = { 'Content-Range': `bytes ${start}-${end}/${sizeBytes}`, 'Content-Length': String(end - start + 1) };
    return { type, body: await file.open(range), status: 206, headers: { ...headers, ...part } };
  }
  const source = await file.open();
  const body = Readable.from(verified(source as AsyncIterable<Buffer>, sha256), { objectMode: false });
  body.once('error', (e) => void (e instanceof Damaged && file.damaged(e)));
  body.once('close', () => source.destroy()); // also when nobody began to read it, as for HEAD
  return { type, body, headers: { ...headers, 'Content-Length': String(sizeBytes) } };
}
