import { agentAtLogin, holdSecret } from '../../../db/agent-credentials';
import { userByEmail, userById } from '../../../db/users';
import { Forbidden, Unauthorized } from '../../../domain/errors';
import { tokenSeconds } from '../../../log/tokens';
import type { auth } from '../../contracts/aegis/auth';
import type { Handlers } from '../../kernel';
import { isRight, isTenant, keepOut, letIn, loggedIn, tenantNamed } from './logged-in';
import { sessionHandlers } from './sessions';
import { userView } from './user-views';

export const authHandlers: Handlers<typeof auth> = {
  ...sessionHandlers,
  login: async ({ body }, ctx) => {
    const tenantId = tenantNamed(ctx);
    const { user, known } = await ctx.kernel.store.read(tenantId, async (tx) => ({
      user: await userByEmail(tx, body.email),
      known: await isTenant(tx),
    }));
    const right = await isRight(ctx.kernel, user?.passwordHash, body.password);
    if (!right || !user?.isActive) {
      // A guess is written down alike whoever it was about, and never the address: people type passwords there.
      const entry = {
        kind: 'user.login_failed',
        actor: { id: null, kind: 'user' as const, name: 'unknown' },
        subject: { kind: 'user' as const, id: user?.id ?? 'unknown' },
      };
      return keepOut(ctx, tenantId, known, entry, 'Invalid e-mail address or password');
    }
    const of = { kind: 'user' as const, id: user.id, tenantId, role: user.role };
    const token = await letIn(ctx, of, {
      kind: 'user.login',
      actor: { id: user.id, kind: 'user', name: user.email },
      subject: { kind: 'user', id: user.id },
      body: { role: user.role },
    });
    return loggedIn(ctx, token, of);
  },
  agentLogin: async ({ body }, ctx) => {
    const tenantId = tenantNamed(ctx);
    const { agent, known } = await ctx.kernel.store.read(tenantId, async (tx) => ({
      agent: await agentAtLogin(tx, body.agent_id),
      known: await isTenant(tx),
    }));
    const right = await isRight(ctx.kernel, agent?.secretHash, body.secret);
    if (!right || !agent?.secretHash || agent.status !== 'ACTIVE') {
      const entry = {
        kind: 'agent.login_failed',
        actor: { id: null, kind: 'agent' as const, name: 'unknown' },
        subject: { kind: 'agent' as const, id: agent?.id ?? 'unknown' },
      };
      return keepOut(ctx, tenantId, known, entry, 'Invalid agent or secret');
    }
    const of = { kind: 'agent' as const, id: agent.id, tenantId, role: 'agent', permissions: agent.permissions };
    const { secretHash } = agent;
    const entry = {
      kind: 'agent.login',
      actor: { id: agent.id, kind: 'agent' as const, name: agent.name },
      subject: { kind: 'agent' as const, id: agent.id },
      agentId: agent.id,
    };
    const token = await letIn(ctx, of, entry, async (tx) => {
      // It was compared for some ten milliseconds, and another may have been put in its place.
      if (await holdSecret(tx, agent.id, secretHash)) return;
      throw new Unauthorized('Invalid agent or secret', { reason: 'invalid_credentials', authenticated: false });
    });
    return { ...loggedIn(ctx, token, of), role: 'agent' as const, agent_id: agent.id };
  },
  jwks: async (_input, ctx) => {
    const { keyring } = ctx.kernel;
    await keyring.refresh();
    const stillMet = keyring
      .all('token')
      .filter(({ retiredAt }) => retiredAt === null || Date.now() - retiredAt.getTime() < 2 * tokenSeconds * 1000);
    ctx.setHeader('Cache-Control', 'public, max-age=60');
    return {
      keys: stillMet.map(({ key, fingerprint }) => ({
        kty: 'OKP' as const,
        crv: 'Ed25519' as const,
        x: String(key.export({ format: 'jwk' }).x),
        kid: fingerprint,
        alg: 'EdDSA' as const,
        use: 'sig' as const,
      })),
    };
  },
  me: async (_input, ctx) => {
    const user = ctx.principal.kind === 'user' ? await ctx.read((tx) => userById(tx, ctx.principal.id)) : null;
    if (!user) throw new Forbidden('this credential belongs to no user', { reason: 'no_user', authenticated: true });
    return userView(user, ctx.tenantId);
  },
};
