import { randomUUID } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';
import { serialize } from 'cookie';
import { z } from 'zod';
import { userByEmail, userById } from '../../../db/users';
import { Forbidden, Unauthorized } from '../../../domain/errors';
import type { NewEntry } from '../../../domain/log';
import { issueToken, tokenSeconds } from '../../../log/credentials';
import { perOwner } from '../../../log/shared';
import type { auth } from '../../contracts/aegis/auth';
import { badHeader } from '../../auth';
import type { Handlers, Kernel, OpenCtx } from '../../kernel';

/** How long a browser keeps the cookie; what is in it is good for `tokenSeconds` only. */
const cookieSeconds = 86_400;

/** What a password is compared with when nobody has that address: the answer takes as long as for somebody. */
const nobody = perOwner((_kernel: Kernel) => hash(randomUUID()));

function tenantOf({ headers }: OpenCtx): string {
  const given = headers['x-tenant-id'];
  if (given === undefined) throw badHeader('X-Tenant-ID header required');
  const tenant = z.uuid().safeParse(given);
  if (!tenant.success) throw badHeader('Invalid Tenant UUID');
  return tenant.data.toLowerCase();
}

export const authHandlers: Handlers<typeof auth> = {
  login: async ({ body }, ctx) => {
    const { store, keyring, config } = ctx.kernel;
    const tenantId = tenantOf(ctx);
    const { user, known } = await store.read(tenantId, async (tx) => ({
      user: await userByEmail(tx, body.email),
      known: (await tx.query('select 1 from tenants')).rowCount === 1,
    }));
    const right = await verify(user?.passwordHash ?? (await nobody(ctx.kernel)), body.password);
    const granted = right && user?.isActive ? user : null;
    // A guess is written down alike whoever it was about, and never the address: people type passwords there.
    const entry: NewEntry = granted
      ? {
          kind: 'user.login',
          actor: { id: granted.id, kind: 'user', name: granted.email },
          subject: { kind: 'user', id: granted.id },
          body: { role: granted.role },
        }
      : {
          kind: 'user.login_failed',
          actor: { id: null, kind: 'user', name: 'unknown' },
          subject: { kind: 'user', id: user?.id ?? 'unknown' },
          decision: 'deny',
          reason: 'invalid_credentials',
        };
    if (known) {
      await store.write(tenantId, (tx) => Promise.resolve(tx.log({ ...entry, correlationId: ctx.requestId })));
    }
    if (!granted) {
      throw new Unauthorized('Invalid e-mail address or password', {
        reason: 'invalid_credentials',
        authenticated: false,
      });
    }
    const token = await issueToken(keyring, { id: granted.id, tenantId, role: granted.role });
    ctx.setHeader(
      'Set-Cookie',
      serialize('acp_token', token, {
        httpOnly: true,
        sameSite: 'strict',
        secure: config.secureCookies,
        path: '/',
        maxAge: cookieSeconds,
      }),
    );
    ctx.setHeader('Cache-Control', 'no-store');
    return {
      access_token: token,
      token_type: 'bearer' as const,
      expires_in: tokenSeconds,
      tenant_id: tenantId,
      role: granted.role,
    };
  },
  me: async (_input, ctx) => {
    const user = ctx.principal.kind === 'user' ? await ctx.read((tx) => userById(tx, ctx.principal.id)) : null;
    if (!user) throw new Forbidden('this credential belongs to no user', { reason: 'no_user', authenticated: true });
    return {
      id: user.id,
      email: user.email,
      full_name: user.fullName,
      role: user.role,
      tenant_id: ctx.tenantId,
      is_active: user.isActive,
      created_at: user.createdAt,
    };
  },
};
