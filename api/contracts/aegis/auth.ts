import { z } from 'zod';
import { operation } from '../../operation';
import { Email, Instant } from '../shapes';

const tag = 'auth';

/** What every log-in answers. */
export const LoggedIn = z.object({
  access_token: z.string(),
  token_type: z.literal('bearer'),
  expires_in: z.int().describe('Seconds'),
  tenant_id: z.uuid(),
  role: z.string(),
});

const AgentLoggedIn = LoggedIn.extend({ role: z.literal('agent'), agent_id: z.uuid() });

export const User = z.object({
  id: z.uuid(),
  email: z.string(),
  full_name: z.string(),
  role: z.string(),
  tenant_id: z.uuid(),
  is_active: z.boolean(),
  created_at: Instant,
});

export const auth = {
  login: operation({
    route: 'POST /auth/token',
    tag,
    summary: 'Log in with e-mail and password, in the tenant that X-Tenant-ID names; sets the cookie acp_token as well',
    access: 'login',
    body: z
      .object({ email: Email, password: z.string().min(1).max(1024) })
      .meta({ example: { email: 'dana@example.com', password: 'correct horse battery staple' } }),
    output: LoggedIn,
    errors: ['Unauthorized'],
  }),
  agentLogin: operation({
    route: 'POST /auth/agent/token',
    tag,
    summary: 'Log in as an agent, with the secret that POST /auth/credentials was given; the token acts as that agent',
    access: 'login',
    body: z
      .object({ agent_id: z.uuid().toLowerCase(), secret: z.string().min(1).max(256) })
      .meta({ example: { agent_id: '0190a8b4-7f3e-7c11-9d5a-3b1f60c2a001', secret: 'a secret of your own choosing' } }),
    output: AgentLoggedIn,
    errors: ['Unauthorized'],
  }),
  me: operation({
    route: 'GET /auth/me',
    tag,
    summary: 'The user behind the credential',
    access: 'profile:read',
    output: User,
    errors: ['Forbidden'],
  }),
  jwks: operation({
    route: 'GET /.well-known/jwks.json',
    tag,
    summary: 'The keys that tokens may be signed with, for services that are shown one',
    access: 'public',
    output: z.object({
      keys: z.array(
        z.object({
          kty: z.literal('OKP'),
          crv: z.literal('Ed25519'),
          x: z.string(),
          kid: z.string(),
          alg: z.literal('EdDSA'),
          use: z.literal('sig'),
        }),
      ),
    }),
    whole: true,
  }),
  introspectToken: operation({
    route: 'POST /auth/introspect',
    tag,
    summary: 'What a token of this tenant is good for by now; of any other it says that it is not active',
    access: 'tokens:read',
    body: z.object({ token: z.string().min(1).max(8192) }),
    output: z.object({
      active: z.boolean(),
      agent_id: z.uuid().nullable(),
      user_id: z.uuid().nullable(),
      tenant_id: z.uuid().nullable(),
      role: z.string().nullable(),
      exp: z.int().nullable().describe('Seconds since 1970'),
      iat: z.int().nullable(),
    }),
    errors: ['RateLimited'],
  }),
  refreshToken: operation({
    route: 'POST /auth/refresh',
    tag,
    summary: 'Give a token back for a new one; showing it here again ends all that came of its log-in',
    access: 'session',
    output: LoggedIn.extend({ agent_id: z.uuid().optional() }),
  }),
  revokeToken: operation({
    route: 'POST /auth/revoke',
    tag,
    summary: 'Take a token back, or all of an agent; open streams end within a second',
    access: 'tokens:revoke',
    query: z.object({ agent_id: z.uuid().toLowerCase().optional() }),
    body: z.object({
      jti: z.uuid().toLowerCase().optional(),
      token: z.string().min(1).max(8192).optional(),
    }),
    output: z.object({ agent_id: z.uuid().nullable(), revoked: z.literal(true), message: z.string() }),
    errors: ['NotFound'],
  }),
  logout: operation({
    route: 'POST /auth/logout',
    tag,
    summary: 'End what came of the caller’s log-in, and clear the cookie',
    access: 'session',
    output: z.object({
      revoked: z.boolean().describe('False: the cookie is cleared, and the token lasts until it is over by itself'),
    }),
  }),
};
