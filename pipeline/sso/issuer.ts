import {
  AuthorizationResponseError, ClientError, ClientSecretBasic, ClientSecretPost, None, ResponseBodyError, allowInsecureRequests,
  authorizationCodeGrant, buildAuthorizationUrl, calculatePKCECodeChallenge, customFetch, discovery, enableNonRepudiationChecks,
  fetchUserInfo, randomNonce, randomPKCECodeVerifier, randomState, type ClientAuth, type Configuration, type CustomFetch,
} from 'openid-client'; // prettier-ignore
import { isGuarded } from '../egress';
import { fetchOut } from '../mcp/guarded-fetch';

/** An OpenID Connect issuer, and what it knows us as. */
export interface Issuer {
  issuer: string;
  clientId: string;
  /** Null: a public client. */
  secret: string | null;
}

/** What a browser keeps between the two ends of a log-in. */
export interface Pending {
  state: string;
  nonce: string;
  verifier: string;
}

/** Why there is no log-in: what was shown does not hold, or the issuer says so; it is away; its address is not to be asked. */
export class NotLoggedIn extends Error {
  constructor(
    readonly why: 'refused' | 'unreachable' | 'url_blocked',
    options: ErrorOptions,
  ) {
    super(`${why}: ${options.cause instanceof Error ? options.cause.message : 'no log-in'}`, options);
  }
}

const longestAnswer = 1024 * 1024;
const patienceSeconds = 5;

/** As the issuer says that it takes secrets; basic where it says nothing, as the standard has it. */
const authOf =
  (secret: string | null): ClientAuth =>
  (server, ...rest) => {
    const takes = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    const by =
      secret === null
        ? None()
        : takes.includes('client_secret_basic')
          ? ClientSecretBasic(secret)
          : ClientSecretPost(secret);
    by(server, ...rest);
  };

function whyOf(e: unknown): NotLoggedIn {
  for (let cause: unknown = e; cause instanceof Error; cause = cause.cause)
    if (isGuarded(cause)) return new NotLoggedIn('url_blocked', { cause: e });
  const spoke = e instanceof AuthorizationResponseError || e instanceof ResponseBodyError;
  // What does not fit has a code of its own; an answer that did not come, or was none, has another.
  const away = ['OAUTH_TIMEOUT', 'OAUTH_ABORT', 'OAUTH_RESPONSE_IS_NOT_CONFORM', 'OAUTH_PARSE_ERROR'];
  const unfit = e instanceof ClientError && e.code !== undefined && !away.includes(e.code);
  return new NotLoggedIn(spoke || unfit ? 'refused' : 'unreachable', { cause: e });
}

/** Asks the issuer what it is. @throws NotLoggedIn */
export async function discover({ issuer, clientId, secret }: Issuer, allowPrivate: boolean): Promise<Configuration> {
  const fetch = fetchOut({ allowPrivate, maxBytes: longestAnswer }) as CustomFetch;
  try {
    return await discovery(new URL(issuer), clientId, undefined, authOf(secret), {
      [customFetch]: fetch,
      timeout: patienceSeconds,
      execute: [enableNonRepudiationChecks, ...(allowPrivate ? [allowInsecureRequests] : [])],
    });
  } catch (e) {
    throw whyOf(e);
  }
}

/** Where the browser is sent, and what is to come back with it. */
export async function beginLogin(config: Configuration, redirectUri: string): Promise<{ url: URL; pending: Pending }> {
  const pending = { state: randomState(), nonce: randomNonce(), verifier: randomPKCECodeVerifier() };
  const offered = config.serverMetadata().scopes_supported ?? [];
  const url = buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: ['openid', 'email', 'profile', ...(offered.includes('groups') ? ['groups'] : [])].join(' '),
    code_challenge: await calculatePKCECodeChallenge(pending.verifier),
    code_challenge_method: 'S256',
    state: pending.state,
    nonce: pending.nonce,
  });
  return { url, pending };
}

/**
 * Whom the issuer says that they are: the claims of the ID token, whose signature, issuer, audience, nonce and times hold, with
 * those of the userinfo beside them.
 * @throws NotLoggedIn
 */
export async function endLogin(
  config: Configuration,
  cameBack: URL,
  pending: Pending,
): Promise<Record<string, unknown> & { sub: string }> {
  try {
    const tokens = await authorizationCodeGrant(config, cameBack, {
      pkceCodeVerifier: pending.verifier,
      expectedState: pending.state,
      expectedNonce: pending.nonce,
      idTokenExpected: true,
    });
    const claims = tokens.claims();
    if (!claims) throw new Error('there is no ID token');
    const more = config.serverMetadata().userinfo_endpoint
      ? await fetchUserInfo(config, tokens.access_token, claims.sub)
      : {};
    return { ...more, ...claims };
  } catch (e) {
    throw whyOf(e);
  }
}
