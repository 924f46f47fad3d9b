import { createHash } from 'node:crypto';
import type { Request } from 'express';
import { z } from 'zod';
import { TooLarge, UnsupportedMedia } from '../../domain/errors';
import { BadRequest } from '../bad-request';
import type { Received, Refused, RowsOption } from '../operation';
import { elements, lines, type Piece } from './split-rows';
import { firstIllFormed } from './text';
import { wording } from './wording';

const ndjson = ['application/x-ndjson', 'application/ndjson', 'application/jsonl', 'application/x-jsonlines'];

/** The body in pieces, as it comes, and not more of it than the operation takes. */
async function* limited(req: Request, most: number, hash: { update(bytes: Buffer): unknown }): AsyncIterable<Buffer> {
  let bytes = 0;
  // Whoever refuses in the middle still answers on this connection.
  for await (const chunk of req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > most) throw new TooLarge(`body: larger than ${most} bytes`, { field: 'body' });
    hash.update(chunk);
    yield chunk;
  }
}

async function* decoded(chunks: AsyncIterable<Buffer>): AsyncIterable<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const decode = (chunk?: Buffer): string => {
    try {
      return chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode();
    } catch {
      throw new BadRequest('body: not UTF-8', { field: 'body' });
    }
  };
  for await (const chunk of chunks) yield decode(chunk);
  yield decode();
}

const wrong = (line: number, issue: z.core.$ZodIssue | undefined): Refused => ({
  line,
  field: issue?.path.join('.') || null,
  message: issue?.message ?? 'invalid',
});

/** The row as its schema reads it, or what is wrong with it. */
function read(row: z.ZodType, { line, text }: Piece, inArray: boolean): { value: unknown } | Refused {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    if (inArray) throw new BadRequest(`body: malformed JSON in row ${line}`, { field: 'body' });
    return { line, field: null, message: 'malformed JSON: each line must be one JSON object' };
  }
  const parsed = row.safeParse(json, { error: wording });
  if (!parsed.success) return wrong(line, parsed.error.issues[0]);
  const ill = firstIllFormed(parsed.data);
  return ill === null ? { value: parsed.data } : { line, field: ill, message: 'holds something that cannot be stored' };
}

/**
 * The rows of a body, read while it comes: what is kept is the rows that fit, never the text. Rows that do not fit are named
 * by their line; a body that is no array or breaks off, or has too many rows, is refused as a whole.
 * @throws BadRequest, TooLarge, UnsupportedMedia
 */
export async function readRows(req: Request, body: z.ZodType, option: RowsOption): Promise<Received> {
  const asLines = req.is(ndjson) !== false && req.is(ndjson) !== null;
  if (!asLines && !req.is('application/json') && !req.is('+json'))
    throw new UnsupportedMedia('the body must be application/json or application/x-ndjson', { field: 'Content-Type' });
  const charset = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(req.get('content-type') ?? '')?.[1] ?? 'utf-8';
  if (!/^(utf-?8|us-ascii)$/i.test(charset))
    throw new UnsupportedMedia(`${charset}: the body must be UTF-8`, { field: 'Content-Type' });
  const encoding = req.get('content-encoding') ?? 'identity';
  if (encoding !== 'identity')
    throw new UnsupportedMedia(`${encoding}: the body must come as it is`, { field: 'Content-Encoding' });
  if (!(body instanceof z.ZodArray)) throw new TypeError('an operation that takes rows declares an array of them');
  const row = body.element as z.ZodType;
  const hash = createHash('sha256');
  const texts = decoded(limited(req, option.maxBytes, hash));
  const received: Received = { rows: [], lines: [], refused: [], digest: '' };
  for await (const piece of asLines ? lines(texts) : elements(texts)) {
    if (received.rows.length + received.refused.length >= option.most)
      throw new TooLarge(`body: more than ${option.most} rows; send them in several calls`, { field: 'body' });
    const found = read(row, piece, !asLines);
    if ('value' in found) {
      received.rows.push(found.value);
      received.lines.push(piece.line);
    } else received.refused.push(found);
  }
  if (received.rows.length + received.refused.length === 0)
    throw new BadRequest('body: no rows; send a JSON array, or one JSON object a line as application/x-ndjson', {
      field: 'body',
    });
  return { ...received, digest: hash.digest('hex') };
}
