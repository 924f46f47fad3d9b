import { receiptOf } from '../../../db/log-queries';
import { Forbidden, NotFound } from '../../../domain/errors';
import { sha256 } from '../../../log/canonical';
import { checkReceipt } from '../../../log/receipts';
import type { receipts } from '../../contracts/aegis/receipts';
import type { Handlers } from '../../kernel';

export const receiptHandlers: Handlers<typeof receipts> = {
  receiptKey: (_input, { kernel }) => {
    const { pem, fingerprint, createdAt } = kernel.keyring.current('receipt');
    return Promise.resolve({
      algorithm: 'ed25519' as const,
      public_key_pem: pem,
      fingerprint,
      public_key_fingerprint: fingerprint,
      public_key_sha256: sha256(pem),
      created_at: createdAt.toISOString(),
    });
  },
  getReceipt: async ({ params }, ctx) => {
    const stored = await ctx.read((tx) => receiptOf(tx, params.execution_id));
    if (!stored) throw new NotFound(`no receipt ${params.execution_id}`);
    return {
      receipt: JSON.parse(stored.receipt) as Record<string, string | number | null>,
      signature: stored.signature,
      algorithm: 'ed25519' as const,
      public_key_fingerprint: stored.fingerprint,
    };
  },
  verifyReceipt: ({ body }, ctx) => {
    const { keyring } = ctx.kernel;
    const current = keyring.current('receipt');
    const { receipt, key, error } = checkReceipt(body, (named) => {
      const known = named === null ? current : keyring.find(named);
      return known?.purpose === 'receipt' ? known : null;
    });
    if (receipt && receipt['tenant_id'] !== ctx.tenantId) throw new Forbidden('cross_tenant_receipt');
    return Promise.resolve({
      valid: error === null,
      algorithm: 'ed25519' as const,
      expected_fingerprint: key?.fingerprint ?? current.fingerprint,
      errors: error ? [error] : [],
    });
  },
};
