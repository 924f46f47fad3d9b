import { z } from 'zod';
import { scopes } from '../../../domain/scopes';
import { clientOf } from '../../../domain/oauth';
import { operation } from '../../operation';
import { Instant, name } from '../shapes';
import { listed, pageQuery } from './door';

const tag = 'OAuth';
const text = z.string().min(1).max(2_000);

const byClient = z.object({
  client_id: z
    .string()
    .max(100)
    .refine((id) => clientOf(id) !== null, 'not a client')
    .transform((id) => clientOf(id)?.id ?? ''),
});
const Client = z.object({
  client_id: z.string(),
  name: z.string(),
  scopes: z.array(z.string()),
  created_by: z.string(),
  created_at: Instant,
  revoked_at: Instant.nullable(),
  secrets: z
    .array(z.object({ created_at: Instant, expires_at: Instant.nullable() }))
    .describe('Those that are good; two while one is rotated. Never the secrets themselves'),
});
const WithSecret = Client.extend({ client_secret: z.string().describe('In this answer only') });

export const oauth = {
  issueOAuthToken: operation({
    route: 'POST /oauth/token',
    tag,
    summary: 'A token for a client (RFC 6749, client credentials): JSON or a form, or HTTP Basic for who it is',
    access: 'login',
    form: true,
    whole: true,
    body: z
      .object({
        grant_type: text.describe('client_credentials'),
        client_id: text.optional(),
        client_secret: text.optional(),
        scope: z.string().max(8_000).optional().describe('Fewer scopes than the client has, separated by spaces'),
      })
      .meta({ example: { grant_type: 'client_credentials', client_id: 'oc_…', client_secret: 'ocs_…' } }),
    output: z.object({
      access_token: z.string(),
      token_type: z.literal('Bearer'),
      expires_in: z.int().describe('Seconds'),
      scope: z.string(),
    }),
    errors: ['Unauthorized'],
  }),
  listOAuthClients: operation({
    route: 'GET /v1/oauth/clients',
    tag,
    summary: 'The clients of the tenant, newest first, revoked ones too',
    access: 'keys:manage',
    query: pageQuery,
    ...listed(Client),
  }),
  createOAuthClient: operation({
    route: 'POST /v1/oauth/clients',
    tag,
    summary: 'Make a client; its secret is in this answer only',
    access: 'keys:manage',
    status: 201,
    body: z.object({
      name: name(100),
      scopes: z
        .array(z.enum(scopes))
        .min(1)
        .optional()
        .describe('What its tokens may at most; all that its maker and a client may, unless given'),
    }),
    output: WithSecret,
    errors: ['Forbidden', 'Conflict'],
  }),
  rotateOAuthClient: operation({
    route: 'POST /v1/oauth/clients/:client_id/rotate',
    tag,
    summary: 'Give a client a new secret; the one before stays good for a while',
    access: 'keys:manage',
    params: byClient,
    body: z.object({
      overlap_seconds: z.int().min(0).max(2_592_000).default(86_400).describe('How long the one before stays good'),
    }),
    output: WithSecret,
    errors: ['NotFound', 'Conflict'],
  }),
  revokeOAuthClient: operation({
    route: 'DELETE /v1/oauth/clients/:client_id',
    tag,
    summary: 'Revoke a client: neither its secrets nor its tokens open anything from now on',
    access: 'keys:manage',
    params: byClient,
    output: z.object({ client_id: z.string(), revoked: z.literal(true) }),
    errors: ['NotFound'],
  }),
  authorizationServer: operation({
    route: 'GET /.well-known/oauth-authorization-server',
    tag,
    summary: 'Where tokens are given out, and how (RFC 8414)',
    access: 'public',
    whole: true,
    output: z.object({
      issuer: z.string(),
      token_endpoint: z.string(),
      jwks_uri: z.string(),
      grant_types_supported: z.array(z.string()),
      response_types_supported: z.array(z.string()),
      token_endpoint_auth_methods_supported: z.array(z.string()),
      scopes_supported: z.array(z.string()),
      service_documentation: z.string(),
    }),
  }),
};
