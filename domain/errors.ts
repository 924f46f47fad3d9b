/**
 * Every failure a caller can see. The class name is the code, on the wire and across Temporal (where `type` carries it
 * and `details` follows as the failure's first detail). `field` names the part of the request that was wrong.
 */
export class DomainError extends Error {
  static readonly status: number = 500;
  readonly details: Record<string, unknown>;

  constructor(message: string, details: Record<string, unknown> = {}) {
    super(message);
    this.details = details;
  }

  get code(): ErrorCode {
    return errorCodes.find((code) => this instanceof errors[code]) ?? 'Unavailable';
  }

  get status(): number {
    return (this.constructor as typeof DomainError).status;
  }
}

export class Invalid extends DomainError {
  static override readonly status = 400;
}
export class Unauthorized extends DomainError {
  static override readonly status = 401;
}
export class Forbidden extends DomainError {
  static override readonly status = 403;
}
export class NotFound extends DomainError {
  static override readonly status = 404;
}
/** The path is there, for other methods. */
export class MethodNotAllowed extends DomainError {
  static override readonly status = 405;
}
export class Conflict extends DomainError {
  static override readonly status = 409;
}
export class TooLarge extends DomainError {
  static override readonly status = 413;
}
export class UnsupportedMedia extends DomainError {
  static override readonly status = 415;
}
/** What is there speaks another protocol. */
export class UpgradeRequired extends DomainError {
  static override readonly status = 426;
}
/** The request was understood and well formed, but repeats a key with another body. */
export class KeyReused extends DomainError {
  static override readonly status = 422;
}
export class RateLimited extends DomainError {
  static override readonly status = 429;
}
export class BadGateway extends DomainError {
  static override readonly status = 502;
}
/** Something this server leans on is away: nothing was done, or what was done will be found again by a repeat. */
export class Unavailable extends DomainError {
  static override readonly status = 503;
}

export const errors = {
  Invalid,
  Unauthorized,
  Forbidden,
  NotFound,
  MethodNotAllowed,
  Conflict,
  TooLarge,
  UnsupportedMedia,
  KeyReused,
  UpgradeRequired,
  RateLimited,
  BadGateway,
  Unavailable,
};
export type ErrorCode = keyof typeof errors;
const errorCodes = Object.keys(errors) as ErrorCode[];

/** An answer, that no repeat changes. Unavailable is none: whoever meets it in the middle of something tries again. */
export const isRefusal = (e: unknown): e is DomainError => e instanceof DomainError && !(e instanceof Unavailable);
export const refusalCodes: readonly ErrorCode[] = errorCodes.filter((code) => code !== 'Unavailable');

/** The error that a failure's type and details stand for, or null when the type is none of ours. */
export function revive(type: string | null | undefined, message: string, details?: unknown): DomainError | null {
  const known = errorCodes.find((code) => code === type);
  if (!known) return null;
  return new errors[known](message, (details ?? {}) as Record<string, unknown>);
}
