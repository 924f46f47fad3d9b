import { z } from 'zod';
import { operation, raw } from '../../operation';
import { Instant, name, webhookUrl } from '../shapes';
import { Role } from './people';

const tag = 'sso';
const provider = z.object({ provider: z.enum(['oidc']) });

const Config = z.object({
  provider_type: z.literal('oidc'),
  issuer: z.string(),
  client_id: z.string(),
  client_secret: z.string().nullable().describe('*** and its end; the whole is never shown'),
  entity_id: z.string().nullable(),
  sso_url: z.null(),
  certificate: z.null(),
  enabled: z.boolean(),
  group_claim: z.string(),
  role_mapping: z.record(z.string(), z.string()),
  default_role: z.string().nullable(),
  version: z.int(),
  updated_at: Instant,
});

const Type = z
  .enum(['oidc', 'saml'])
  .refine((type) => type === 'oidc', 'SAML is not served here: name an OpenID Connect issuer, with oidc');
const redirect = raw('text/html', null, [302]);
/** In ASCII, as RFC 6749 has them: so that the longest one is a request line that can still be read. */
const text = z
  .string()
  .max(4_096)
  .regex(/^[\x20-\x7e]*$/, 'printable ASCII')
  .optional();

export const sso = {
  ssoProviders: operation({
    route: 'GET /auth/sso/providers',
    tag,
    summary: 'How the people of a tenant may come in beside passwords; without a tenant, what this server can do',
    access: 'public',
    query: z.object({ tenant_id: z.uuid().toLowerCase().optional() }),
    output: z.object({ providers: z.array(z.enum(['oidc'])) }),
  }),
  startSso: operation({
    route: 'GET /auth/sso/:provider',
    tag,
    summary: 'Begin a log-in at the tenant’s issuer: sends the browser there',
    access: 'public',
    params: provider,
    query: z.object({ tenant_id: z.uuid().toLowerCase() }),
    output: redirect,
    errors: ['NotFound', 'Unavailable'],
  }),
  ssoCallback: operation({
    route: 'GET /auth/sso/:provider/callback',
    tag,
    summary: 'End it: where the issuer sends the browser back to; sets the cookie acp_token',
    access: 'public',
    params: provider,
    query: z.object({ code: text, state: text, iss: text, session_state: text, error: text, error_description: text }),
    output: redirect,
    errors: ['Unauthorized', 'Unavailable'],
  }),
  getSsoConfig: operation({
    route: 'GET /auth/sso/config',
    tag,
    summary: 'The issuer whose people may come in, without its secret',
    access: 'sso:manage',
    output: z.object({ config: Config.nullable() }),
  }),
  saveSsoConfig: operation({
    route: 'POST /auth/sso/config',
    tag,
    summary: 'Name the issuer whose people may come in, and what its groups may do here',
    access: 'sso:manage',
    body: z
      .object({
        provider_type: Type,
        issuer: webhookUrl,
        client_id: name(200),
        client_secret: z
          .string()
          .min(1)
          .max(1_000)
          .nullish()
          .describe('Left out, or as it was shown (***…): the one that is kept stays'),
        entity_id: name(1_000).nullish(),
        sso_url: z.string().max(2_000).nullish().describe('Of SAML; not kept'),
        certificate: z.string().max(20_000).nullish().describe('Of SAML; not kept'),
        enabled: z.boolean().default(true),
        group_claim: name(100).default('groups'),
        role_mapping: z
          .record(name(200), Role)
          .default({})
          .describe('What each group makes of its people, at every log-in'),
        default_role: Role.nullish().describe('Of whoever is in none of the groups; null: they are not let in'),
      })
      .meta({ example: { provider_type: 'oidc', issuer: 'https://id.example.com', client_id: 'wheelhouse' } }),
    output: z.object({ config: Config }),
    errors: ['Forbidden'],
  }),
  testSsoConfig: operation({
    route: 'POST /auth/sso/config/test',
    tag,
    summary: 'Ask the issuer what it is, now',
    access: 'sso:manage',
    body: z.object({ provider_type: Type.optional() }),
    output: z.object({
      reachable: z.boolean(),
      issuer: z.string().nullable(),
      status: z.enum(['ok', 'not_configured', 'url_blocked', 'unreachable', 'refused']),
      detail: z.string().nullable(),
    }),
  }),
};
