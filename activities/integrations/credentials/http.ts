import { z } from 'zod';
import { Refused, Stale, type CredentialProvider } from '../../../domain/credentials';
import { storableText } from '../../../domain/storable';

export interface HttpProvider {
  /** Leases are below it, each at `/leases/<id>`. */
  url: string;
  /** The bearer token that we show. */
  secret: string;
  timeoutMs: number;
}

const Granted = z.object({ secret: z.string().min(1).max(16_384) });
/** Each as far as it is a text, and as a row can hold it: people are told, and it goes into the log. */
const said = z.string().transform((text) => storableText(text.slice(0, 2_000))).optional().catch(undefined); // prettier-ignore
const Refusal = z.object({ error: said, message: said });
const longest = 64 * 1024;

/** An answer's JSON; null when it has none. @throws Error when it is longer than any answer of ours */
async function jsonOf(res: Response): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of res.body ?? []) {
    size += (chunk as Uint8Array).length;
    if (size > longest) throw new Error(`the provider's answer is longer than ${longest} bytes`);
    chunks.push(Buffer.from(chunk as Uint8Array));
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    return null; // a proxy's page, say: its status has to do
  }
}

/** What a provider is asked over HTTP, and what its answers mean: docs/credentials.md. */
export function httpCredentials({ url, secret, timeoutMs }: HttpProvider): CredentialProvider {
  const base = url.replace(/\/+$/, '');
  const ask = async (method: 'PUT' | 'DELETE', path: string, body: object | null) => {
    const res = await fetch(`${base}/leases/${path}`, {
      method,
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      body: body && JSON.stringify(body),
      redirect: 'error', // what it is shown is meant for it alone
      signal: AbortSignal.timeout(timeoutMs),
    });
    return { status: res.status, ok: res.ok, body: await jsonOf(res) };
  };
  const unclear = (what: string, status: number): Error => new Error(`the provider answered ${status} to ${what}`);
  /** Answers that repeats change nothing of; the others are trouble on the way. */
  const final = new Set([400, 403, 404, 409, 410, 422]);

  return {
    keeper: () => 'http',
    async grant({ tenantId, leaseId, fence, scope, expiresAt, ttlMs }) {
      const { system, resourceType, resourceId, action } = scope;
      const { status, ok, body } = await ask('PUT', leaseId, {
        tenant_id: tenantId, fence, system, resource_type: resourceType, resource_id: resourceId, action,
        expires_at: expiresAt, ttl_ms: ttlMs,
      }); // prettier-ignore
      if (ok) return Granted.parse(body);
      const why = Refusal.safeParse(body).data;
      if (status === 409 && why?.error === 'stale') throw new Stale(`attempt ${fence} to grant is over`);
      if (final.has(status)) throw new Refused(why?.message ?? why?.error ?? `the provider answered ${status}`);
      throw unclear('a grant', status);
    },
    async revoke({ tenantId, leaseId, fence }) {
      const { status, ok } = await ask('DELETE', `${leaseId}?tenant_id=${tenantId}&fence=${fence}`, null);
      // Nothing else is a confirmation: who answers 404 has not taken note, and would grant when asked late.
      if (!ok) throw unclear('a revocation', status);
    },
  };
}
