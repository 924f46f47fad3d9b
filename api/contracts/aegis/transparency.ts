import { z } from 'zod';
import { operation, raw } from '../../operation';
import { Instant, wholeOr } from '../shapes';

const tag = 'transparency';
const Hash = z.string().regex(/^[0-9a-f]{64}$/);
const Hex = z.string().describe('sha256, hex');
const Day = z.iso.date().describe('YYYY-MM-DD, in UTC');
const SignedBy = { signature: z.string(), algorithm: z.literal('ed25519'), public_key_fingerprint: z.string() };

const Signed = z
  .object({
    receipt: z.object({
      version: z.literal(4),
      kind: z.literal('transparency_root'),
      tenant_id: z.uuid(),
      root_date: Day,
      root_hash: Hash,
      prev_root_hash: Hash.nullable(),
      leaf_count: z.int(),
      leaf_range_start_id: z.uuid().nullable(),
      leaf_range_end_id: z.uuid().nullable(),
      window_end: Instant,
      rfc6962_root: Hash,
      log_seq: z.int().describe('Where the log stood'),
      log_hash: Hash,
    }),
    ...SignedBy,
  })
  .describe('Ed25519 over the canonical JSON (RFC 8785) of the receipt, base64url');

const Path = z.object({
  index: z.int(),
  size: z.int(),
  path: z.array(Hex).describe('RFC 9162 §2.1.3, from the leaf up'),
});
const Root = z.object({
  root_date: Day,
  root_hash: Hash,
  prev_root_hash: Hash.nullable(),
  leaf_count: z.int(),
  computed_at: Instant,
  signed: Signed,
  checkpoint: Path.extend({
    note: z.string().describe('C2SP tlog-checkpoint over the tree of days, with cosignatures'),
  })
    .nullable()
    .describe('Null until the day is over and sealed: it can be computed anew until then'),
});

const Key = z.object({
  algorithm: z.literal('ed25519'),
  public_key_pem: z.string(),
  fingerprint: z.string().describe('The first 32 hex digits of sha256 over the PEM text'),
  public_key_fingerprint: z.string(),
  public_key_sha256: z.string(),
  created_at: Instant,
});
const anything = z.unknown().optional();
const signedFields = { receipt: anything, signature: anything, algorithm: anything, public_key_fingerprint: anything };

export const transparency = {
  transparencyKey: operation({
    route: 'GET /transparency/key',
    tag,
    summary: 'The public key that roots and checkpoints are signed with',
    access: 'public',
    output: Key,
    aliases: ['/v1/transparency/key'],
  }),
  transparencyKeys: operation({
    route: 'GET /transparency/keys',
    tag,
    summary: 'The key that signs, and those that did before: what they signed still verifies',
    access: 'receipts:read',
    output: z.object({
      active: Key,
      historical: z.array(
        Key.pick({ algorithm: true, public_key_pem: true, fingerprint: true }).extend({ retired_at: Instant }),
      ),
      checkpoint_key: z.string().describe('The same key as tools for signed notes take it: name+id+key'),
      witnesses: z.array(z.string()).describe('Whose cosignatures are taken'),
    }),
    aliases: ['/v1/transparency/keys'],
  }),
  listRoots: operation({
    route: 'GET /transparency/roots',
    tag,
    summary: 'The root of each day, newest first; when there is none, `meta` says why',
    access: 'receipts:read',
    query: z.object({ since: Day.optional(), until: Day.optional(), limit: wholeOr(90, 1, 365) }),
    output: z.object({
      success: z.literal(true),
      data: z.array(Root),
      error: z.null(),
      meta: z.object({ reason: z.string() }).nullable(),
    }),
    whole: true,
    aliases: ['/v1/transparency/roots'],
  }),
  getRoot: operation({
    route: 'GET /transparency/roots/:date',
    tag,
    summary: 'The root of a day (UTC) over its receipts, signed and chained to the day before',
    access: 'receipts:read',
    params: z.object({ date: Day }),
    output: Root,
    errors: ['NotFound'],
    aliases: ['/v1/transparency/roots/:date'],
  }),
  getInclusion: operation({
    route: 'GET /transparency/inclusion/:execution_id',
    tag,
    summary: 'That a receipt is under its day’s root, by audit id or request id; pending until a root covers it',
    access: 'receipts:read',
    params: z.object({ execution_id: z.string().regex(/^[\x21-\x7e]{1,200}$/) }),
    output: z.object({
      root_date: Day,
      proof: z
        .object({
          version: z.literal(1),
          leaf: Hex,
          index: z.int(),
          siblings: z.array(z.object({ side: z.enum(['L', 'R']), hash: Hex })).describe('From the leaf up'),
          root: Hex,
          size: z.int(),
        })
        .nullable(),
      pending: z.boolean(),
      signed_root: Signed.nullable(),
      rfc6962: Path.extend({ leaf_hash: Hex }).nullable(),
    }),
    errors: ['NotFound', 'Conflict'],
    aliases: ['/v1/transparency/inclusion/:execution_id'],
  }),
  checkConsistency: operation({
    route: 'GET /transparency/consistency',
    tag,
    summary:
      'Whether the days hang together, and that the tree of days at its end has grown from that at its beginning',
    access: 'receipts:read',
    query: z.object({
      from_date: Day.optional().describe(
        'At most 366 days with the last; the first day of the log, or that, unless given',
      ),
      to_date: Day.optional().describe('Today unless given'),
    }),
    output: z.object({
      from_date: Day,
      to_date: Day,
      count: z.int(),
      consistent: z.boolean(),
      chain: z.array(
        Root.omit({ checkpoint: true }).extend({
          break: z
            .enum(['day_missing', 'prev_root_hash_mismatch', 'signature_mismatch', 'root_hash_mismatch'])
            .optional(),
        }),
      ),
      rfc9162: z
        .object({
          first: z.object({ size: z.int(), root: Hex }),
          second: z.object({ size: z.int(), root: Hex }),
          path: z.array(Hex).describe('RFC 9162 §2.1.4'),
        })
        .nullable()
        .describe('Between the checkpoints of the first and the last sealed day'),
    }),
    aliases: ['/v1/transparency/consistency'],
  }),
  verifyRoot: operation({
    route: 'POST /transparency/verify-root',
    tag,
    summary: 'Check an archived root, or that of a day as it is kept; what is wrong with it is an answer',
    access: 'receipts:read',
    body: z.object({ ...signedFields, signed: anything, date: Day.optional() }),
    output: z.object({
      valid: z.boolean(),
      algorithm: z.literal('ed25519'),
      expected_fingerprint: z.string(),
      errors: z.array(z.enum(['unknown_key_fingerprint', 'signature_mismatch', 'root_hash_mismatch'])),
    }),
    errors: ['Forbidden', 'NotFound'],
    aliases: ['/v1/transparency/verify-root'],
  }),
  computeRoot: operation({
    route: 'POST /transparency/compute',
    tag,
    summary: 'Compute today’s root over what is there by now, or seal a day that is over; repeatable for today',
    access: 'transparency:write',
    query: z.object({ root_date: Day.optional() }),
    body: z.object({ root_date: Day.optional(), date: Day.optional() }),
    output: Root.omit({ computed_at: true, checkpoint: true }).extend({
      leaf_range_start_id: z.uuid().nullable(),
      leaf_range_end_id: z.uuid().nullable(),
      signing_key_fingerprint: z.string(),
    }),
    errors: ['Conflict'],
    aliases: ['/v1/transparency/compute'],
  }),
  getCheckpoint: operation({
    route: 'GET /transparency/checkpoint',
    tag,
    summary: 'The newest checkpoint over the tree of days, a signed note with the cosignatures that it has',
    access: 'receipts:read',
    output: raw('text/plain'),
    errors: ['NotFound'],
  }),
  cosignCheckpoint: operation({
    route: 'POST /transparency/cosignatures',
    tag,
    summary: 'Leave a witness’s line (cosignature/v1) under the checkpoint over so many days',
    access: 'transparency:write',
    body: z.object({
      size: z.int().min(1).max(1_000_000).describe('Of the checkpoint'),
      cosignature: z.string().min(1).max(1000).describe('The line, as it stands under a note'),
    }),
    output: z.object({ size: z.int(), witness: z.string(), time: Instant, note: z.string() }),
    errors: ['NotFound'],
  }),
};
