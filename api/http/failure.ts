import type { z } from 'zod';
import { DomainError, NotFound, Unavailable } from '../../domain/errors';
import type { Failure, Surface } from '../surfaces';
import { BadRequest } from '../bad-request';
import { WithIssues } from '../with-issues';

/** Where one of several forms would do: what is wrong with the one that the value comes nearest to. */
const nearest = (issue: z.core.$ZodIssue): z.core.$ZodIssue[] => {
  if (issue.code !== 'invalid_union') return [issue];
  const inside = issue.errors.find((form) => form.some((i) => i.path.length));
  return inside ? inside.flatMap(nearest).map((i) => ({ ...i, path: [...issue.path, ...i.path] })) : [issue];
};

/** What a schema found wrong, part by part. */
export class InvalidRequest extends WithIssues {
  constructor(where: 'query' | 'body', found: z.core.$ZodIssue[]) {
    const issues = found.flatMap(nearest);
    const first = issues[0];
    const field = first?.path.join('.');
    super(
      `${field || where}: ${first?.message ?? 'invalid'}`,
      field ? { field } : { field: where },
      issues.map((i) => ({
        path: [where, ...i.path.map((p) => (typeof p === 'symbol' ? String(p) : p))],
        message: i.message,
        code: i.code ?? 'invalid',
      })),
    );
  }
}

// Postgres: connection exceptions, insufficient resources, operator intervention (a cancelled statement too), lock and
// serialisation failures, a standby, a transaction that was idle for too long.
const pgTrouble = /^(08|53|57|40001|40P01|55P03|25006|25P03)/;
const netTrouble = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN']);

/** An error as a refusal: ours as they are, a dependency that is away as 503, anything else null (500, and a log line). */
export function asRefusal(e: unknown): DomainError | null {
  if (e instanceof DomainError) return e;
  if (e instanceof URIError) return new NotFound('not found'); // a path that no text is behind
  if (!(e instanceof Error)) return null;
  const code = (e as { code?: unknown }).code;
  const away =
    (typeof code === 'string' && (pgTrouble.test(code) || netTrouble.has(code))) ||
    /^(timeout exceeded when trying to connect|Connection terminated|Query read timeout|Client (has encountered a connection error|was closed))/.test(
      e.message,
    );
  return away ? new Unavailable('the database did not answer: repeat the request', { retry: true }) : null;
}

class Internal extends DomainError {}

export function describe(e: unknown, surface: Surface, requestId: string): Failure {
  const refusal = asRefusal(e);
  const error = refusal ?? new Internal('something went wrong on our side; the request id finds it in the logs');
  return {
    error,
    code: refusal ? refusal.code : 'Internal',
    status: refusal ? (refusal instanceof BadRequest ? 400 : (surface.statuses[refusal.code] ?? refusal.status)) : 500,
    requestId,
    issues: error instanceof WithIssues ? error.issues : [],
    at: new Date().toISOString(),
  };
}

/** The answer that a refusal gives, to be kept for its repeats. */
export function refusalOf(e: unknown, surface: Surface, requestId: string): { status: number; body: unknown } {
  const failure = describe(e, surface, requestId);
  return { status: failure.status, body: surface.failure(failure) };
}
