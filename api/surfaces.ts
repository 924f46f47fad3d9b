import type { DomainError, ErrorCode } from '../domain/errors';

/** What an error answer knows. `field` and `issues` name the parts of the request that were wrong. */
export interface Failure {
  error: DomainError;
  code: ErrorCode | 'Internal';
  status: number;
  requestId: string;
  issues: Issue[];
  at: string;
}
export interface Issue {
  path: (string | number)[];
  message: string;
  code: string;
}

/** One row a door: how it wraps what goes well and what does not. Paths choose their door, longest prefix first. */
export interface Surface {
  name: 'agent-ops' | 'ops-agent' | 'agentic-operations' | 'orchestration' | 'oauth' | 'aegis';
  prefixes: readonly string[];
  envelope(data: unknown): unknown;
  failure(f: Failure): Record<string, unknown>;
  /** Where this door's status differs from the error's own. */
  statuses: Partial<Record<ErrorCode, number>>;
  /** The tenant must be named in X-Tenant-ID (an API key brings its own). */
  tenantHeader: boolean;
  /** Counted by the hour and by the minute, beside what holds everywhere. */
  ownLimits?: true;
  /** What a 401 asks for; Bearer unless given. */
  challenge?: string;
  /** Names of the rate limit headers. */
  rateHeaders: { limit: string; remaining: string; reset: string; epoch: boolean };
}

const standardRate = {
  limit: 'RateLimit-Limit',
  remaining: 'RateLimit-Remaining',
  reset: 'RateLimit-Reset',
  epoch: false,
};
const epochRate = {
  limit: 'X-RateLimit-Limit',
  remaining: 'X-RateLimit-Remaining',
  reset: 'X-RateLimit-Reset',
  epoch: true,
};
const bare = (data: unknown): unknown => data;
const fieldOf = (i: Issue): string => i.path.join('.') || 'body';
const rest = (f: Failure): Record<string, unknown> => f.error.details;

/** For doors whose refusals have a message and no more: it names the scope that is missing. */
const sentence = ({ error }: Failure): string => {
  const { required_permission: scope } = error.details;
  return typeof scope === 'string' ? `${error.message}: this needs the scope ${scope}` : error.message;
};

const opsAgentCodes: Partial<Record<Failure['code'], string>> = {
  NotFound: 'OPS_AGENT_NOT_FOUND',
  MethodNotAllowed: 'OPS_AGENT_INVALID_REQUEST',
  Invalid: 'OPS_AGENT_INVALID_REQUEST',
  TooLarge: 'OPS_AGENT_INVALID_REQUEST',
  UnsupportedMedia: 'OPS_AGENT_INVALID_REQUEST',
  KeyReused: 'OPS_AGENT_INVALID_REQUEST',
  Unauthorized: 'OPS_AGENT_SCOPE_FORBIDDEN',
  Forbidden: 'OPS_AGENT_SCOPE_FORBIDDEN',
  Conflict: 'OPS_AGENT_CONFLICT',
  BadGateway: 'OPS_AGENT_DEPENDENCY_FAILURE',
  Unavailable: 'OPS_AGENT_DEPENDENCY_FAILURE',
};

const oauthCodes: Partial<Record<Failure['code'], string>> = {
  Unauthorized: 'invalid_client',
  RateLimited: 'slow_down',
  Unavailable: 'temporarily_unavailable',
  Internal: 'server_error',
};

/** Which limit, and until when: beside the refusal's own keys, for those who read `data`. */
const quotaOf = (f: Failure): Record<string, unknown> | null =>
  f.code === 'RateLimited' ? { limit_type: rest(f)['limit_type'], reset_at: rest(f)['reset_at'] } : null;

const constantCase = (code: string): string => code.replace(/(?<!^)([A-Z])/g, '_$1').toUpperCase();

export const surfaces: readonly Surface[] = [
  {
    name: 'agent-ops',
    prefixes: ['/functions/v1/api/v1/agent-ops', '/api/v1/agent-ops'],
    envelope: (data) => ({ data }),
    failure: (f) => ({
      error: { code: constantCase(f.code), message: sentence(f), ...(f.issues.length && { details: f.issues }) },
    }),
    statuses: {},
    tenantHeader: false,
    rateHeaders: standardRate,
  },
  {
    name: 'ops-agent',
    prefixes: ['/api/v1'],
    envelope: bare,
    failure: (f) => ({
      error: {
        code: opsAgentCodes[f.code] ?? 'OPS_AGENT_INTERNAL_ERROR',
        message: sentence(f),
        ...(f.issues.length && { details: f.issues.map((i) => ({ field: fieldOf(i), message: i.message })) }),
        request_id: f.requestId,
      },
    }),
    statuses: { Unavailable: 502 },
    tenantHeader: false,
    rateHeaders: standardRate,
  },
  {
    name: 'agentic-operations',
    prefixes: ['/api', '/published', '/mcp'],
    envelope: bare,
    failure: (f) => ({
      detail: Object.keys(rest(f)).length ? { message: f.error.message, ...rest(f) } : f.error.message,
      error: f.error.message,
      ...rest(f),
    }),
    statuses: {},
    tenantHeader: false,
    rateHeaders: standardRate,
  },
  {
    name: 'aegis',
    prefixes: ['/v1/receipts', '/v1/transparency', '/v1/audit', '/'],
    envelope: (data) => ({ success: true, data, error: null, meta: null }),
    failure: (f) => ({
      success: false,
      data: quotaOf(f),
      error: f.status === 422 && f.issues.length ? 'Validation failed' : f.error.message,
      meta: {
        code: constantCase(f.code).toLowerCase(),
        request_id: f.requestId,
        ...(f.code === 'RateLimited' && { category: 'quota', retry_after_s: rest(f)['retry_after_s'] }),
        ...(f.issues.length && { details: f.issues.map((i) => ({ type: i.code, loc: i.path, msg: i.message })) }),
      },
      ...rest(f),
    }),
    statuses: { Invalid: 422, KeyReused: 400 },
    tenantHeader: true,
    rateHeaders: standardRate,
  },
  {
    name: 'orchestration',
    prefixes: ['/v1'],
    ownLimits: true,
    envelope: (data) => ({ data }),
    failure: (f) => ({
      error: {
        code: f.code === 'Invalid' ? 'VALIDATION_ERROR' : constantCase(f.code),
        message: sentence(f),
        details: f.issues.map((i) => ({ field: fieldOf(i), message: i.message })),
        request_id: f.requestId,
        timestamp: f.at,
      },
    }),
    statuses: {},
    tenantHeader: false,
    rateHeaders: epochRate,
  },
  {
    name: 'oauth',
    prefixes: ['/oauth'],
    ownLimits: true,
    challenge: 'Basic realm="wheelhouse", charset="UTF-8"',
    envelope: bare,
    // RFC 6749 section 5.2: printable ASCII without quotes and backslashes.
    failure: (f) => ({
      error: rest(f)['oauth'] ?? oauthCodes[f.code] ?? 'invalid_request',
      error_description: f.error.message.replace(/["\\]|[^\x20-\x7e]/g, "'"),
    }),
    statuses: {},
    tenantHeader: false,
    rateHeaders: epochRate,
  },
];

const byPrefix = surfaces
  .flatMap((surface) => surface.prefixes.map((prefix) => ({ prefix, surface })))
  .sort((a, b) => b.prefix.length - a.prefix.length);

/** `/api-keys` is not under `/api`: a prefix ends at a slash or at the path's end. Letters count as small, as they do for routes. */
export function surfaceOf(given: string): Surface {
  const path = given.toLowerCase();
  const found = byPrefix.find(({ prefix }) => prefix === '/' || path === prefix || path.startsWith(`${prefix}/`));
  if (!found) throw new Error(`no door for ${path}`);
  return found.surface;
}
