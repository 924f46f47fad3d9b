import { randomBytes } from 'node:crypto';
import {
  clientById, clientWithSecret, endSecrets, holdClient, insertClient, insertSecret, listClients, revokeClient, type OAuthClient,
} from '../../../db/oauth-clients'; // prettier-ignore
import { Conflict, Forbidden, NotFound } from '../../../domain/errors';
import type { NewEntry } from '../../../domain/log';
import { clientIdOf, clientScopes } from '../../../domain/oauth';
import type { Actor } from '../../../domain/principal';
import { hashKey } from '../../../log/credentials';
import { issueToken, tokenSeconds } from '../../../log/tokens';
import { pageOf } from '../../contracts/orchestration/door';
import type { oauth } from '../../contracts/orchestration/oauth';
import type { Ctx, Handlers } from '../../kernel';
import { baseOf } from '../../public-base';
import { askedScopes, notTheClient, shownClient, wrong } from './oauth-request';

/** 256 random bits: nobody guesses one, so a plain digest is enough to store, as of API keys. */
const newSecret = () => `ocs_${randomBytes(32).toString('base64url')}`;

const view = (c: OAuthClient) => ({
  client_id: clientIdOf(c),
  name: c.name,
  scopes: c.scopes,
  created_by: c.createdBy.name,
  created_at: c.createdAt,
  revoked_at: c.revokedAt,
  secrets: c.secrets,
});

const entry = (kind: string, actor: Actor, client: Pick<OAuthClient, 'id' | 'name'>, body: object): NewEntry => ({
  kind,
  actor,
  subject: { kind: 'oauth_client', id: client.id },
  body: { name: client.name, ...body },
});

/** @throws NotFound, for one that is revoked as well */
function standing(client: OAuthClient | null): OAuthClient {
  if (!client || client.revokedAt !== null) throw new NotFound('no such client');
  return client;
}

/** @throws Forbidden when scopes are named that it cannot have */
function scopesFor(ctx: Ctx, asked: readonly string[] | undefined): readonly string[] {
  const most = clientScopes.filter((s) => ctx.principal.scopes.includes(s));
  const beyond = asked?.find((s) => !most.some((m) => m === s));
  if (beyond === undefined) return asked ?? most;
  throw new Forbidden(`the client cannot hold ${beyond}`, {
    reason: 'missing_scope', required_permission: beyond, authenticated: true,
  }); // prettier-ignore
}

const shownOnce = (what: string) =>
  new Conflict(`this Idempotency-Key has made a ${what}, whose secret is not shown again: rotate, with another key`, {
    field: 'Idempotency-Key',
  });

export const oauthHandlers: Handlers<typeof oauth> = {
  issueOAuthToken: async ({ body }, ctx) => {
    ctx.setHeader('Cache-Control', 'no-store');
    ctx.setHeader('Pragma', 'no-cache');
    if (body.grant_type !== 'client_credentials')
      throw wrong('unsupported_grant_type', 'grant_type: only client_credentials', 'grant_type');
    const shown = shownClient(ctx, body);
    const { store, keyring } = ctx.kernel;
    const client = await store.read(shown.tenantId, (tx) => clientWithSecret(tx, shown.id, hashKey(shown.secret)));
    if (!client) {
      const known = await store.read(shown.tenantId, (tx) => clientById(tx, shown.id));
      const stranger: Actor = { id: null, kind: 'service', name: 'unknown' };
      if (known) {
        await store.write(shown.tenantId, (tx) =>
          Promise.resolve(
            tx.log({
              ...entry('oauth.token_refused', stranger, known, { ip: ctx.ip }),
              decision: 'deny',
              reason: 'invalid_client',
              correlationId: ctx.requestId,
            }),
          ),
        );
      }
      throw notTheClient();
    }
    const scopes = askedScopes(body.scope, client.scopes);
    await keyring.refresh();
    const actor: Actor = { id: client.id, kind: 'service', name: client.name };
    const token = await store.write(client.tenantId, async (tx) => {
      tx.log({ ...entry('oauth.token_issued', actor, client, { scopes }), correlationId: ctx.requestId });
      return issueToken(tx, keyring, {
        kind: 'client',
        id: client.id,
        tenantId: client.tenantId,
        role: 'client',
        scopes,
      });
    });
    return { access_token: token, token_type: 'Bearer' as const, expires_in: tokenSeconds, scope: scopes.join(' ') };
  },

  listOAuthClients: async ({ query }, ctx) => {
    const { rows, total } = await ctx.read((tx) => listClients(tx, query));
    return pageOf(query, rows.map(view), total);
  },

  createOAuthClient: async ({ body }, ctx) => {
    const scopes = scopesFor(ctx, body.scopes);
    const [id, secret] = [ctx.newId(), newSecret()];
    const made = await ctx.write(async (tx) => {
      if (!(await insertClient(tx, { id, name: body.name, scopes, by: ctx.actor }))) throw shownOnce('client');
      await insertSecret(tx, { id: ctx.newId('secret'), clientId: id, hash: hashKey(secret) });
      tx.log(entry('oauth.client_created', ctx.actor, { id, name: body.name }, { scopes }));
      return standing(await clientById(tx, id));
    });
    return { ...view(made), client_secret: secret };
  },

  rotateOAuthClient: async ({ params: { client_id: id }, body }, ctx) => {
    const [secretId, secret] = [ctx.newId('secret'), newSecret()];
    const rotated = await ctx.write(async (tx) => {
      const client = standing(await holdClient(tx, id));
      if (!(await insertSecret(tx, { id: secretId, clientId: id, hash: hashKey(secret) }))) throw shownOnce('secret');
      await endSecrets(tx, id, secretId, body.overlap_seconds);
      tx.log(entry('oauth.client_rotated', ctx.actor, client, { overlap_seconds: body.overlap_seconds }));
      return standing(await clientById(tx, id));
    });
    return { ...view(rotated), client_secret: secret };
  },

  revokeOAuthClient: ({ params: { client_id: id } }, ctx) =>
    ctx.write(async (tx) => {
      const client = await holdClient(tx, id);
      if (!client) throw new NotFound('no such client');
      if (await revokeClient(tx, id)) tx.log(entry('oauth.client_revoked', ctx.actor, client, {}));
      return { client_id: clientIdOf(client), revoked: true as const };
    }),

  authorizationServer: (_input, { kernel, headers }) => {
    const base = baseOf(kernel, headers);
    return Promise.resolve({
      issuer: base,
      token_endpoint: `${base}/oauth/token`,
      jwks_uri: `${base}/.well-known/jwks.json`,
      grant_types_supported: ['client_credentials'],
      response_types_supported: [],
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
      scopes_supported: [...clientScopes],
      service_documentation: `${base}/docs`,
    });
  },
};
