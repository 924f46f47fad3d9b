import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { fileTypeFromBuffer } from 'file-type/core';
import { TooLarge } from '../domain/errors';

/** What was learned of a file while it came. */
export interface FileFacts {
  /** Of all its bytes, hex. */
  sha256: string;
  sizeBytes: number;
  /** What its first bytes say that it is; null when they say nothing, as those of a text. */
  detectedType: string | null;
}

/** A file that arrived whole, and that nothing names yet. */
export interface Staged extends FileFacts {
  /**
   * Puts it where files of its content are. Within the transaction that writes the row which names it, and after
   * `holdFiles` (db/files.ts): from then on it stays for as long as the row does. May be repeated.
   */
  keep(): Promise<void>;
  /** Lets go of what came, kept or not. */
  discard(): Promise<void>;
}

/** Both counted from 0, the last one included. */
export interface ByteRange {
  start: number;
  end: number;
}

/**
 * Bytes that people attach and sites are made of, by tenant and content: the same file is there once in each tenant, and
 * tenants share none. A file is whole and safe before a row names it.
 * @throws Unavailable when the store does not do its part
 */
export interface FileStore {
  /** @throws TooLarge past `maxBytes`; nothing is left then. What `bytes` throws is thrown. */
  stage(tenantId: string, bytes: AsyncIterable<Buffer>, maxBytes: number): Promise<Staged>;
  /** Null: there is no such file. */
  open(tenantId: string, sha256: string, range?: ByteRange): Promise<Readable | null>;
  /** All that is kept, by tenant, so many at a time. */
  list(): AsyncIterable<{ tenantId: string; files: { sha256: string; at: Date }[] }>;
  /** One that nothing names. */
  remove(tenantId: string, sha256: string): Promise<void>;
  /** Removes what began to arrive before then and was never let go of; gives how many that were. */
  clear(before: Date): Promise<number>;
}

export const isTenantId = (name: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(name);
export const isSha256 = (name: string): boolean => /^[0-9a-f]{64}$/.test(name);

/** As much as tells one type from another. */
const headBytes = 4_100;

/** What the first bytes are. Whoever can't make sense of them says nothing: they are anybody's. */
async function typeOf(head: Buffer): Promise<string | null> {
  const found = await fileTypeFromBuffer(head).catch((e: unknown) => {
    if (e instanceof Error) return undefined; // a file that only begins like one of its type
    throw e;
  });
  return found?.mime ?? null;
}

/** Counts, hashes and looks at bytes on their way to a store; they pass through unchanged, and none is kept. */
export function intake(bytes: AsyncIterable<Buffer>, maxBytes: number) {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  let head = Buffer.alloc(0);
  async function* through(): AsyncIterable<Buffer> {
    for await (const chunk of bytes) {
      sizeBytes += chunk.length;
      if (sizeBytes > maxBytes) throw new TooLarge(`file: larger than ${maxBytes} bytes`, { field: 'file' });
      hash.update(chunk);
      if (head.length < headBytes) head = Buffer.concat([head, chunk.subarray(0, headBytes - head.length)]);
      yield chunk;
    }
  }
  return {
    bytes: through(),
    /** When all of them have passed. */
    facts: async (): Promise<FileFacts> => ({
      sha256: hash.digest('hex'),
      sizeBytes,
      detectedType: await typeOf(head),
    }),
  };
}

/** What is kept under a name is not what was stored under it. */
export class Damaged extends Error {}

/** The whole file, or an error before its last bytes: what is damaged is never taken for what it was. */
export async function* verified(bytes: AsyncIterable<Buffer>, sha256: string): AsyncIterable<Buffer> {
  const hash = createHash('sha256');
  let held: Buffer | null = null;
  for await (const chunk of bytes) {
    if (held) yield held;
    hash.update(chunk);
    held = chunk;
  }
  if (hash.digest('hex') !== sha256) throw new Damaged(`file ${sha256} is not what was stored`);
  if (held) yield held;
}
