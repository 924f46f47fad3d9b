import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Config } from '../../config';
import { notRunning, runningLocal } from '../local-file';
import { CliError, exitOf, exits } from './exit';

export interface Reached {
  url: string;
  token: string;
}

/**
 * The server that a command speaks to, and with what: WHEELHOUSE_URL and WHEELHOUSE_TOKEN, else the installation that runs on
 * this data directory. Its key goes to no other address.
 * @throws CliError
 */
export async function serverOf({ cli, dataDir }: Config): Promise<Reached> {
  const local = await runningLocal(dataDir);
  const url = cli.url ?? local?.url;
  if (!url) throw new CliError(`${notRunning}, or set WHEELHOUSE_URL and WHEELHOUSE_TOKEN.`, exits.unreachable);
  const token = cli.token ?? (url === local?.url ? local.token : null);
  if (token === null)
    throw new CliError(`No key for ${url} is known: set WHEELHOUSE_TOKEN (\`npx wheelhouse token\` there makes one).`, exits.refused); // prettier-ignore
  return { url, token };
}

/** A token names its tenant, which some doors want to hear; a key brings its own. */
function tenantOf(token: string): string | null {
  const claims = token.split('.')[1];
  if (token.startsWith('acp_') || claims === undefined) return null;
  try {
    const { tenant_id: id } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { tenant_id?: unknown };
    return typeof id === 'string' ? id : null;
  } catch {
    return null; // no token of ours: the server says so
  }
}

export function headersOf({ token }: Reached): Record<string, string> {
  const tenant = tenantOf(token);
  return { authorization: `Bearer ${token}`, ...(tenant !== null && { 'x-tenant-id': tenant }) };
}

/** What a refusal says, at whichever door: one line. */
export function saidOf(status: number, text: string): string {
  try {
    const { error, detail } = JSON.parse(text) as { error?: unknown; detail?: unknown };
    for (const said of [error, detail, (error as { message?: unknown } | null)?.message])
      if (typeof said === 'string') return said;
  } catch {
    // a page of something in between
  }
  return text.trim().split('\n')[0]?.slice(0, 300) || `status ${status}`;
}

const advice: Record<number, string> = {
  401: ' (set WHEELHOUSE_TOKEN to a key that is good: `npx wheelhouse token` makes one)',
  403: ' (use a key that may: `npx wheelhouse token --role …`)',
};

/** @throws CliError */
export function refusedWith(status: number, text: string): CliError {
  return new CliError(`${saidOf(status, text)}${advice[status] ?? ''}`, exitOf(status));
}

export const unreachable = ({ url }: Reached, error: unknown): CliError => {
  const { cause, message } = error as Error & { cause?: { code?: string } };
  return new CliError(`${url} does not answer (${cause?.code ?? message}): is it running? \`npx wheelhouse doctor\` looks.`, exits.unreachable); // prettier-ignore
};

/** One that is busy, or away for a moment, is asked again so often. */
const tries = 5;

/**
 * Calls an operation and gives its answer. What changes something has a key of its own, so that asking again changes nothing.
 * @throws CliError
 */
export async function ask<T>(server: Reached, method: string, path: string, body?: unknown): Promise<T> {
  const headers = {
    ...headersOf(server),
    ...(body !== undefined && { 'content-type': 'application/json' }),
    ...(method === 'POST' && { 'idempotency-key': randomUUID() }),
  };
  for (let n = 1; ; n += 1) {
    const res = await fetch(server.url + path, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }).catch((e: unknown) => {
      throw unreachable(server, e);
    });
    const text = await res.text().catch((e: unknown) => {
      throw unreachable(server, e);
    });
    if ((res.status === 429 || res.status === 503) && n < tries) {
      await pause(1000 * Math.min(60, Number(res.headers.get('retry-after') ?? 1)));
      continue;
    }
    if (!res.ok) throw refusedWith(res.status, text);
    return JSON.parse(text) as T;
  }
}
