import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { ListMultipartUploadsCommandOutput } from '@aws-sdk/client-s3';
import type { S3Settings } from '../config-files';
import { DomainError, Unavailable } from '../domain/errors';
import { intake, isSha256, isTenantId, type FileStore } from './files';

const nameOf = (e: unknown): string => (e instanceof Error ? e.name : '');
const isMissing = (e: unknown): boolean => nameOf(e) === 'NoSuchKey' || nameOf(e) === 'NotFound';

/** What the store did not do, it may do later; what its caller did wrong (a form that breaks off) stays what it is. */
function trouble(e: unknown): never {
  if (e instanceof DomainError) throw e;
  throw Object.assign(new Unavailable('the file store did not do its part: repeat the request', { retry: true }), {
    cause: e,
  });
}

/**
 * Files in a bucket: `<prefix>files/<tenant>/<sha256>`. They come under `<prefix>incoming/<tenant>/`, in parts of 5 MiB,
 * and are copied to their place within the store when their content is known: never more than some parts are in memory,
 * and nothing is on this machine's disk.
 */
export async function s3Files(settings: S3Settings): Promise<FileStore> {
  // Loaded by those alone who use it: it is as large as everything else together.
  const s3 = await import('@aws-sdk/client-s3');
  const { Upload } = await import('@aws-sdk/lib-storage');
  const { bucket: Bucket, endpoint, region, credentials, prefix, timeoutMs } = settings;
  const client = new s3.S3Client({
    region,
    ...(endpoint !== null && { endpoint, forcePathStyle: true }),
    ...(credentials && { credentials }),
    maxAttempts: 3,
    requestHandler: { connectionTimeout: timeoutMs, requestTimeout: timeoutMs, throwOnRequestTimeout: true },
  });
  const kept = `${prefix}files/`;
  const incoming = `${prefix}incoming/`;
  const keyOf = (tenantId: string, sha256: string): string => {
    if (!isTenantId(tenantId) || !isSha256(sha256)) throw new TypeError('not a tenant, or not a sha256');
    return `${kept}${tenantId}/${sha256}`;
  };
  const drop = async (Key: string): Promise<void> => {
    await client.send(new s3.DeleteObjectCommand({ Bucket, Key })).catch(trouble);
  };
  /** Everything below a key, a page at a time. */
  async function* below(Prefix: string): AsyncIterable<{ key: string; at: Date }[]> {
    for await (const page of s3.paginateListObjectsV2({ client }, { Bucket, Prefix }))
      yield (page.Contents ?? []).flatMap(({ Key, LastModified }) =>
        Key !== undefined && LastModified ? [{ key: Key, at: LastModified }] : [],
      );
  }
  /** Uploads that nobody ended hold their parts, and no list of objects shows them. */
  async function clearParts(before: Date): Promise<number> {
    let cleared = 0;
    let from: { KeyMarker?: string; UploadIdMarker?: string } | null = {};
    while (from) {
      const page: ListMultipartUploadsCommandOutput = await client.send(
        new s3.ListMultipartUploadsCommand({ Bucket, Prefix: incoming, ...from }),
      );
      for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
        if (!Initiated || Initiated >= before) continue;
        await client.send(new s3.AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
        cleared += 1;
      }
      const { NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = page;
      const more = page.IsTruncated === true && KeyMarker !== undefined;
      from = more ? { KeyMarker, ...(UploadIdMarker !== undefined && { UploadIdMarker }) } : null;
    }
    return cleared;
  }

  return {
    async stage(tenantId, bytes, maxBytes) {
      if (!isTenantId(tenantId)) throw new TypeError('not a tenant');
      const Key = `${incoming}${tenantId}/${randomUUID()}`;
      const coming = intake(bytes, maxBytes);
      const upload = new Upload({ client, queueSize: 2, params: { Bucket, Key, Body: Readable.from(coming.bytes) } });
      await upload.done().catch(trouble);
      const facts = await coming.facts();
      const keep = async (): Promise<void> => {
        const CopySource = `${Bucket}/${Key}`;
        await client
          .send(new s3.CopyObjectCommand({ Bucket, Key: keyOf(tenantId, facts.sha256), CopySource }))
          .catch(trouble);
      };
      return { ...facts, keep, discard: () => drop(Key) };
    },

    async open(tenantId, sha256, range) {
      const Range = range && `bytes=${range.start}-${range.end}`;
      const found = await client
        .send(new s3.GetObjectCommand({ Bucket, Key: keyOf(tenantId, sha256), ...(Range && { Range }) }))
        .catch((e: unknown) => (isMissing(e) ? null : trouble(e)));
      if (!found) return null;
      if (!(found.Body instanceof Readable)) throw new Error('the file store gave no stream');
      return found.Body;
    },

    async *list() {
      try {
        for await (const page of below(kept)) {
          const byTenant = new Map<string, { sha256: string; at: Date }[]>();
          for (const { key, at } of page) {
            const [tenantId = '', sha256 = ''] = key.slice(kept.length).split('/');
            if (!isTenantId(tenantId) || !isSha256(sha256)) continue;
            byTenant.set(tenantId, [...(byTenant.get(tenantId) ?? []), { sha256, at }]);
          }
          for (const [tenantId, files] of byTenant) yield { tenantId, files };
        }
      } catch (e) {
        trouble(e);
      }
    },

    remove: (tenantId, sha256) => drop(keyOf(tenantId, sha256)),

    async clear(before) {
      let cleared = await clearParts(before).catch(trouble);
      try {
        for await (const page of below(incoming))
          for (const { key, at } of page) {
            if (at >= before) continue;
            await drop(key);
            cleared += 1;
          }
      } catch (e) {
        trouble(e);
      }
      return cleared;
    },
  };
}
