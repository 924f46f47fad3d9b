import { z } from 'zod';
import { operation } from '../../operation';
import { Instant } from '../shapes';

const tag = 'receipts';

export const receipts = {
  receiptKey: operation({
    route: 'GET /receipts/key',
    tag,
    summary: 'The public key that receipts are signed with',
    access: 'public',
    output: z.object({
      algorithm: z.literal('ed25519'),
      public_key_pem: z.string(),
      fingerprint: z.string().describe('The first 32 hex digits of sha256 over the PEM text'),
      public_key_fingerprint: z.string(),
      public_key_sha256: z.string(),
      created_at: Instant,
    }),
    aliases: ['/v1/receipts/key'],
  }),
  /** Exactly these four: archives hash the whole of it. */
  getReceipt: operation({
    route: 'GET /receipts/:execution_id',
    tag,
    summary: 'The receipt that was signed when the call was recorded, by audit id or request id',
    access: 'receipts:read',
    params: z.object({ execution_id: z.string().regex(/^[\x21-\x7e]{1,200}$/) }),
    output: z.object({
      receipt: z.record(z.string(), z.union([z.string(), z.int(), z.null()])),
      signature: z.string().describe('Ed25519 over the canonical JSON (RFC 8785) of the receipt, base64url'),
      algorithm: z.literal('ed25519'),
      public_key_fingerprint: z.string(),
    }),
    errors: ['NotFound'],
    aliases: ['/v1/receipts/:execution_id'],
  }),
  verifyReceipt: operation({
    route: 'POST /receipts/verify',
    tag,
    summary: 'Check an archived receipt; what is wrong with it is an answer, not an error',
    access: 'receipts:read',
    body: z.object({
      receipt: z.unknown().optional(),
      signature: z.unknown().optional(),
      algorithm: z.unknown().optional(),
      public_key_fingerprint: z.unknown().optional(),
    }),
    output: z.object({
      valid: z.boolean(),
      algorithm: z.literal('ed25519'),
      expected_fingerprint: z.string(),
      errors: z.array(z.enum(['malformed_payload', 'unknown_key_fingerprint', 'signature_mismatch'])),
    }),
    errors: ['Forbidden'],
    aliases: ['/v1/receipts/verify'],
  }),
};
