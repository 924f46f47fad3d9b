import { createHash, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import type { Entry } from '../domain/log';
import { canonical, sha256 } from './canonical';
import { actionOf } from './chain';
import { verifyText } from './keys';

type Receipted = Pick<
  Entry,
  | 'id' | 'tenantId' | 'agentId' | 'tool' | 'kind' | 'decision' | 'reason' | 'requestId' | 'at' | 'eventHash' | 'eventPrev'
  | 'chainShard'
> & { body: string }; // prettier-ignore

/** What a receipt says of an entry (`body` is its canonical text), as the text that is signed. Strings, null and integers only. */
export const receiptText = (e: Receipted): string =>
  canonical({
    version: 1,
    execution_id: e.id,
    tenant_id: e.tenantId,
    agent_id: e.agentId,
    tool: e.tool,
    action: actionOf(e.kind),
    decision: e.decision,
    reason: e.reason,
    request_id: e.requestId,
    timestamp: e.at,
    event_hash: e.eventHash,
    prev_hash: e.eventPrev,
    chain_shard: e.chainShard,
    hash_version: 1,
    metadata_sha256: sha256(e.body),
  });

/** What `GET /receipts/{id}` answers, and archives hold. */
const SignedReceipt = z.object({
  receipt: z.record(z.string(), z.union([z.string(), z.null(), z.int()])),
  signature: z.string().regex(/^[A-Za-z0-9_-]{86}(==)?$/),
  algorithm: z.literal('ed25519').optional(),
  public_key_fingerprint: z
    .string()
    .regex(/^([0-9a-f]{32}|[0-9a-f]{64})$/)
    .optional(),
});

/** A public key by its name. */
export interface ReceiptKey {
  fingerprint: string;
  pem: string;
  key: KeyObject;
}
export type ReceiptError = 'malformed_payload' | 'unknown_key_fingerprint' | 'signature_mismatch';
export interface CheckedReceipt {
  /** Null when it cannot be read. */
  receipt: Record<string, string | number | null> | null;
  /** The key that counts for it. */
  key: ReceiptKey | null;
  error: ReceiptError | null;
}

/** A name in 32 digits, or the whole digest in 64. */
const names = (key: ReceiptKey, fingerprint: string): boolean =>
  fingerprint.length === 32
    ? fingerprint === key.fingerprint
    : fingerprint === createHash('sha256').update(key.pem).digest('hex');

/** Checks an archived receipt. `find` answers the key of that name; without a name in the payload, the current one (null). */
export function checkReceipt(
  payload: unknown,
  find: (fingerprint: string | null) => ReceiptKey | null,
): CheckedReceipt {
  const read = SignedReceipt.safeParse(payload);
  if (!read.success) return { receipt: null, key: null, error: 'malformed_payload' };
  const { receipt, signature, public_key_fingerprint: named = null } = read.data;
  const key = find(named);
  if (!key || (named !== null && !names(key, named))) return { receipt, key: null, error: 'unknown_key_fingerprint' };
  return { receipt, key, error: verifyText(key.key, canonical(receipt), signature) ? null : 'signature_mismatch' };
}
