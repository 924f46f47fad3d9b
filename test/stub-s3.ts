import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { crc32 } from 'node:zlib';

const accessKeyId = 'stub-key';
const bucket = 'wheelhouse';

interface StoredObject {
  bytes: Buffer;
  at: Date;
}
interface Multipart {
  key: string;
  at: Date;
  parts: Map<number, Buffer>;
}
/** What it does with a request instead of answering it, or after it did what it was asked. */
export type S3Trouble =
  | { kind: 'status'; status: number; code: string }
  /** The connection ends before anything was done. */
  | { kind: 'reset' }
  /** It is done, and the connection ends instead of the answer. */
  | { kind: 'deaf' }
  /** No answer at all. */
  | { kind: 'silence' }
  /** Half of the bytes, and then the connection ends. */
  | { kind: 'half' };

type Operation =
  | 'PutObject' | 'GetObject' | 'HeadObject' | 'DeleteObject' | 'CopyObject' | 'CreateMultipartUpload' | 'UploadPart'
  | 'CompleteMultipartUpload' | 'AbortMultipartUpload' | 'ListObjectsV2' | 'ListMultipartUploads'; // prettier-ignore

const etagOf = (bytes: Buffer): string => `"${createHash('md5').update(bytes).digest('hex')}"`;
const escape = (text: string): string => text.replace(/[<>&"]/g, (c) => `&#${c.charCodeAt(0)};`);
const xml = (root: string, inner: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?><${root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inner}</${root}>`;

function operationOf(method: string, key: string, query: URLSearchParams, copied: boolean): Operation {
  if (key === '') return query.has('uploads') ? 'ListMultipartUploads' : 'ListObjectsV2';
  if (method === 'POST') return query.has('uploads') ? 'CreateMultipartUpload' : 'CompleteMultipartUpload';
  if (method === 'PUT') return query.has('uploadId') ? 'UploadPart' : copied ? 'CopyObject' : 'PutObject';
  if (method === 'DELETE') return query.has('uploadId') ? 'AbortMultipartUpload' : 'DeleteObject';
  return method === 'HEAD' ? 'HeadObject' : 'GetObject';
}

class S3Error extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
  ) {
    super(code);
  }
}

/** A bucket over S3's REST protocol: signed requests, checksums, parts, ranges, pages; it fails on demand. */
export async function stubS3() {
  const objects = new Map<string, StoredObject>();
  const uploads = new Map<string, Multipart>();
  const calls: Operation[] = [];
  let trouble: { of: Operation; what: S3Trouble; left: number }[] = [];
  /** How many of a list come at once. */
  let pageSize = 1000;

  const found = (key: string): StoredObject => {
    const object = objects.get(key);
    if (!object) throw new S3Error(404, 'NoSuchKey');
    return object;
  };
  /** What was signed for, and what the client says of its bytes, has to be what came. */
  const check = (req: IncomingMessage, body: Buffer): void => {
    const { authorization = '' } = req.headers;
    if (!authorization.startsWith(`AWS4-HMAC-SHA256 Credential=${accessKeyId}/`))
      throw new S3Error(403, 'AccessDenied');
    const said = req.headers['x-amz-content-sha256'];
    if (said === undefined) throw new S3Error(400, 'MissingSecurityHeader');
    if (/^[0-9a-f]{64}$/.test(String(said)) && said !== createHash('sha256').update(body).digest('hex'))
      throw new S3Error(400, 'XAmzContentSHA256Mismatch');
    const sum = req.headers['x-amz-checksum-crc32'];
    const ours = Buffer.alloc(4);
    ours.writeUInt32BE(crc32(body));
    if (sum !== undefined && sum !== ours.toString('base64')) throw new S3Error(400, 'BadDigest');
  };
  const within = (range: string | undefined, size: number): [number, number] | null => {
    const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(range ?? '') ?? [];
    if (from === '') return null;
    const [start, end] = [Number(from), to === '' ? size - 1 : Math.min(Number(to), size - 1)];
    if (start >= size) throw new S3Error(416, 'InvalidRange');
    return [start, end];
  };
  const page = <T>(all: T[], query: URLSearchParams, marker: string): { some: T[]; next: number | null } => {
    const from = Number(query.get(marker) ?? 0);
    const some = all.slice(from, from + pageSize);
    return { some, next: from + pageSize < all.length ? from + pageSize : null };
  };

  function perform(
    op: Operation,
    key: string,
    query: URLSearchParams,
    { req, body }: { req: IncomingMessage; body: Buffer },
  ): { status?: number; headers?: Record<string, string>; body?: Buffer | string } {
    switch (op) {
      case 'PutObject':
        objects.set(key, { bytes: body, at: new Date() });
        return { headers: { etag: etagOf(body) } };
      case 'CopyObject': {
        const source = decodeURIComponent(String(req.headers['x-amz-copy-source'])).replace(`${bucket}/`, '');
        objects.set(key, { bytes: found(source.replace(/^\//, '')).bytes, at: new Date() });
        return { body: xml('CopyObjectResult', `<ETag>${escape(etagOf(found(key).bytes))}</ETag>`) };
      }
      case 'HeadObject':
      case 'GetObject': {
        const { bytes, at } = found(key);
        const range = within(req.headers.range, bytes.length);
        const part = range ? bytes.subarray(range[0], range[1] + 1) : bytes;
        return {
          status: range ? 206 : 200,
          headers: {
            etag: etagOf(bytes),
            'last-modified': at.toUTCString(),
            'content-length': String(part.length),
            ...(range && { 'content-range': `bytes ${range[0]}-${range[1]}/${bytes.length}` }),
          },
          ...(op === 'GetObject' && { body: part }),
        };
      }
      case 'DeleteObject':
        objects.delete(key);
        return { status: 204 };
      case 'CreateMultipartUpload': {
        const id = randomUUID();
        uploads.set(id, { key, at: new Date(), parts: new Map() });
        return { body: xml('InitiateMultipartUploadResult', `<Bucket>${bucket}</Bucket><Key>${key}</Key><UploadId>${id}</UploadId>`) }; // prettier-ignore
      }
      case 'UploadPart':
      case 'CompleteMultipartUpload':
      case 'AbortMultipartUpload': {
        const id = query.get('uploadId') ?? '';
        const upload = uploads.get(id);
        if (!upload) throw new S3Error(404, 'NoSuchUpload');
        if (op === 'UploadPart') {
          upload.parts.set(Number(query.get('partNumber')), body);
          return { headers: { etag: etagOf(body) } };
        }
        uploads.delete(id);
        if (op === 'AbortMultipartUpload') return { status: 204 };
        const named = [...body.toString().matchAll(/<PartNumber>(\d+)<\/PartNumber>/g)].map(([, n]) => Number(n));
        const parts = named.map((n) => upload.parts.get(n) ?? Buffer.alloc(0));
        if (parts.slice(0, -1).some((p) => p.length < 5 * 1024 * 1024)) throw new S3Error(400, 'EntityTooSmall');
        objects.set(key, { bytes: Buffer.concat(parts), at: new Date() });
        return { body: xml('CompleteMultipartUploadResult', `<Key>${key}</Key><ETag>"${id}-${parts.length}"</ETag>`) };
      }
      case 'ListObjectsV2': {
        const all = [...objects].filter(([k]) => k.startsWith(query.get('prefix') ?? '')).sort();
        const { some, next } = page(all, query, 'continuation-token');
        const rows = some.map(([k, o]) => `<Contents><Key>${escape(k)}</Key><LastModified>${o.at.toISOString()}</LastModified><Size>${o.bytes.length}</Size></Contents>`).join(''); // prettier-ignore
        return { body: xml('ListBucketResult', `<IsTruncated>${next !== null}</IsTruncated>${next === null ? '' : `<NextContinuationToken>${next}</NextContinuationToken>`}${rows}`) }; // prettier-ignore
      }
      case 'ListMultipartUploads': {
        const all = [...uploads].filter(([, u]) => u.key.startsWith(query.get('prefix') ?? ''));
        const rows = all.map(([id, u]) => `<Upload><Key>${escape(u.key)}</Key><UploadId>${id}</UploadId><Initiated>${u.at.toISOString()}</Initiated></Upload>`).join(''); // prettier-ignore
        return { body: xml('ListMultipartUploadsResult', `<IsTruncated>false</IsTruncated>${rows}`) };
      }
    }
  }

  function answer(req: IncomingMessage, res: ServerResponse, body: Buffer): void {
    const url = new URL(req.url ?? '/', 'http://s3');
    const [, of = '', ...rest] = decodeURIComponent(url.pathname).split('/');
    const key = rest.join('/');
    const op = operationOf(req.method ?? '', key, url.searchParams, 'x-amz-copy-source' in req.headers);
    calls.push(op);
    const planned = trouble.find((t) => t.of === op && t.left > 0);
    if (planned) planned.left -= 1;
    const what = planned?.what;
    try {
      if (what?.kind === 'status') throw new S3Error(what.status, what.code);
      if (what?.kind === 'reset') return void req.socket.destroy();
      if (what?.kind === 'silence') return;
      if (of !== bucket) throw new S3Error(404, 'NoSuchBucket');
      check(req, body);
      const did = perform(op, key, url.searchParams, { req, body });
      if (what?.kind === 'deaf') return void req.socket.destroy();
      res.writeHead(did.status ?? 200, { 'x-amz-request-id': randomUUID(), ...did.headers });
      if (what?.kind === 'half') {
        const bytes = Buffer.from(did.body ?? '');
        res.write(bytes.subarray(0, bytes.length >> 1), () => req.socket.destroy());
        return;
      }
      res.end(did.body);
    } catch (e) {
      if (!(e instanceof S3Error)) throw e;
      res.writeHead(e.status, { 'content-type': 'application/xml' });
      res.end(req.method === 'HEAD' ? undefined : xml('Error', `<Code>${e.code}</Code><Message>${e.code}</Message>`));
    }
  }

  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (c: Buffer) => chunks.push(c));
    req.on('end', () => answer(req, res, Buffer.concat(chunks)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    objects,
    uploads,
    calls,
    /** What a server needs to know of it. */
    settings: (more: Record<string, string> = {}): Record<string, string> => ({
      S3_BUCKET: bucket, S3_ENDPOINT: endpoint, S3_ACCESS_KEY_ID: accessKeyId, S3_SECRET_ACCESS_KEY: 'stub-secret',
      S3_PREFIX: 'here/', S3_TIMEOUT_MS: '1000', ...more,
    }), // prettier-ignore
    keys: (prefix = ''): string[] => [...objects.keys()].filter((k) => k.startsWith(prefix)).sort(),
    /** As if everything had come so much earlier. */
    ages(ms: number): void {
      for (const o of [...objects.values(), ...uploads.values()]) o.at = new Date(o.at.getTime() - ms);
    },
    pages(size: number): void {
      pageSize = size;
    },
    /** The next so many calls of that operation go wrong. */
    fails(of: Operation, what: S3Trouble, times = Infinity): void {
      trouble.push({ of, what, left: times });
    },
    heals(): void {
      trouble = [];
    },
    async close(): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
export type StubS3 = Awaited<ReturnType<typeof stubS3>>;
