import type { Principal } from '../../domain/principal';

/** Whoever sent a message, as of that message: a session is of one principal, whose scopes and credential may change meanwhile. */
export interface Caller {
  principal: Principal;
  /** The credential as it was shown. */
  credential: Record<string, string>;
  requestId: string;
  /** Where the message came in: this process's own address. */
  self: string;
}
export interface Answered {
  status: number;
  /** Parsed where it is JSON. */
  body: unknown;
  type: string;
  /** Seconds, where it says when to ask again. */
  retryAfter: string | null;
}

/** Asks this process's own API, as the caller: the request is let in, limited, checked, carried out and logged as any other. */
export async function dispatch(
  { principal, credential, requestId, self }: Caller,
  { method, url, body, key }: { method: string; url: string; body?: unknown; key?: string | undefined },
  signal: AbortSignal,
): Promise<Answered> {
  const sends = body !== undefined;
  const res = await fetch(self + url, {
    method,
    headers: {
      ...credential,
      'x-tenant-id': principal.tenantId,
      'x-request-id': requestId,
      ...(sends && { 'content-type': 'application/json' }),
      ...(key !== undefined && { 'idempotency-key': encodeURI(key) }),
    },
    ...(sends && { body: JSON.stringify(body) }),
    redirect: 'manual',
    signal,
  });
  const type = res.headers.get('content-type') ?? '';
  const text = await res.text();
  return {
    status: res.status,
    body: /[/+]json\b/.test(type) && text ? JSON.parse(text) : text,
    type: type.split(';')[0] ?? '',
    retryAfter: res.headers.get('retry-after'),
  };
}
