import { clientOf } from '../../../domain/oauth';
import { Unauthorized } from '../../../domain/errors';
import { BadRequest } from '../../bad-request';
import type { OpenCtx } from '../../kernel';

// What a token request says of who asks, by RFC 6749 sections 2.3.1 and 5.2.

/** `oauth` is the code on the wire. */
export const wrong = (oauth: string, message: string, field: string): BadRequest =>
  new BadRequest(message, { oauth, field });
export const notTheClient = (): Unauthorized =>
  new Unauthorized('no such client, or not its secret', { oauth: 'invalid_client', reason: 'invalid_client' });

interface Shown {
  clientId: string;
  secret: string;
}

const formDecoded = (text: string): string => decodeURIComponent(text.replaceAll('+', ' '));

/** @throws Unauthorized when the header cannot be read */
function basic(authorization: string): Shown {
  const text = Buffer.from(authorization.replace(/^Basic +/i, ''), 'base64').toString();
  const colon = text.indexOf(':');
  if (colon < 1) throw notTheClient();
  try {
    return { clientId: formDecoded(text.slice(0, colon)), secret: formDecoded(text.slice(colon + 1)) };
  } catch {
    throw notTheClient(); // a URIError: no form encoding
  }
}

/** In the header or in the body, and not in both. @throws BadRequest, Unauthorized */
export function shownClient(
  { headers }: Pick<OpenCtx, 'headers'>,
  body: { client_id?: string | undefined; client_secret?: string | undefined },
): Shown & { tenantId: string; id: string } {
  const { authorization } = headers;
  const inHeader = authorization !== undefined && /^Basic /i.test(authorization) ? basic(authorization) : null;
  if (inHeader && body.client_secret !== undefined)
    throw wrong('invalid_request', 'client_secret: say who you are in the header or in the body', 'client_secret');
  if (inHeader && body.client_id !== undefined && body.client_id !== inHeader.clientId)
    throw wrong('invalid_request', 'client_id: the header names another', 'client_id');
  const shown = inHeader ?? { clientId: body.client_id ?? '', secret: body.client_secret ?? '' };
  const client = clientOf(shown.clientId);
  if (!client) throw notTheClient();
  return { ...shown, ...client };
}

/** Those of the client unless fewer are asked for. @throws BadRequest */
export function askedScopes(scope: string | undefined, of: readonly string[]): string[] {
  const asked = [...new Set((scope ?? '').split(' ').filter(Boolean))];
  const beyond = asked.find((s) => !of.includes(s));
  if (beyond !== undefined) throw wrong('invalid_scope', `scope: the client does not have ${beyond}`, 'scope');
  return asked.length ? asked : [...of];
}
