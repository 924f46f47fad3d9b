import { randomUUID } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';
import { serialize } from 'cookie';
import { z } from 'zod';
import type { Read } from '../../../db/tx';
import { Unauthorized } from '../../../domain/errors';
import type { NewEntry } from '../../../domain/log';
import { perOwner } from '../../../log/shared';
import { issueToken, tokenSeconds, type TokenFor } from '../../../log/tokens';
import { badHeader } from '../../auth';
import type { Kernel, OpenCtx } from '../../kernel';
import { tokenCookie } from '../../pages-of-others';

// What every way in has in common.

/** How long a browser keeps the cookie; what is in it is good for `tokenSeconds` only. */
const cookieSeconds = 86_400;

export function setTokenCookie(ctx: OpenCtx, token: string): void {
  ctx.setHeader(
    'Set-Cookie',
    serialize(tokenCookie, token, {
      httpOnly: true,
      sameSite: 'strict',
      secure: ctx.kernel.config.secureCookies,
      path: '/',
      maxAge: token === '' ? 0 : cookieSeconds,
    }),
  );
  ctx.setHeader('Cache-Control', 'no-store');
}

/** What a log-in answers; the cookie goes with it. */
export function loggedIn(ctx: OpenCtx, token: string, of: Pick<TokenFor, 'tenantId' | 'role'>) {
  setTokenCookie(ctx, token);
  return {
    access_token: token,
    token_type: 'bearer' as const,
    expires_in: tokenSeconds,
    tenant_id: of.tenantId,
    role: of.role,
  };
}

/** The tenant that somebody wants to come into. @throws BadRequest */
export function tenantNamed({ headers }: OpenCtx): string {
  const given = headers['x-tenant-id'];
  if (given === undefined) throw badHeader('X-Tenant-ID header required');
  const tenant = z.uuid().safeParse(given);
  if (!tenant.success) throw badHeader('Invalid Tenant UUID');
  return tenant.data.toLowerCase();
}

/** What a secret is compared with when nobody has that name: the answer takes as long as for somebody. */
const nobody = perOwner((_kernel: Kernel) => hash(randomUUID()));

export const isRight = async (kernel: Kernel, kept: string | null | undefined, given: string): Promise<boolean> =>
  verify(kept ?? (await nobody(kernel)), given);

export const isTenant = async (tx: Read): Promise<boolean> =>
  (await tx.query('select 1 from tenants where id = $1', [tx.tenantId])).rowCount === 1;

/** A token, with the entry that says who came in and whatever else the log-in changes, in one transaction. */
export async function letIn(
  ctx: OpenCtx,
  of: TokenFor,
  entry: NewEntry,
  besides: (tx: Read) => Promise<unknown> = () => Promise.resolve(),
): Promise<string> {
  const { store, keyring } = ctx.kernel;
  await keyring.refresh();
  return store.write(of.tenantId, async (tx) => {
    await besides(tx);
    tx.log({ ...entry, correlationId: ctx.requestId });
    return issueToken(tx, keyring, of);
  });
}

/** Writes down that somebody was not let in, where there is such a tenant, and says so. */
export async function keepOut(
  ctx: OpenCtx,
  tenantId: string,
  known: boolean,
  entry: NewEntry,
  message: string,
): Promise<never> {
  if (known) {
    await ctx.kernel.store.write(tenantId, (tx) =>
      Promise.resolve(
        tx.log({ decision: 'deny', reason: 'invalid_credentials', ...entry, correlationId: ctx.requestId }),
      ),
    );
  }
  throw new Unauthorized(message, { reason: 'invalid_credentials', authenticated: false });
}
