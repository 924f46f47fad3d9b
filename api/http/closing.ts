import type { Response } from 'express';

/** One reason for all: an error made for each request would take a stack trace of each. */
const gone = new Error('the caller is gone');
const signals = new WeakMap<Response, AbortSignal>();

/** Aborted when the connection of a request is closed. Made when somebody asks: nearly nobody does. */
export function closing(res: Response): AbortSignal {
  const known = signals.get(res);
  if (known) return known;
  const over = new AbortController();
  if (res.destroyed) over.abort(gone);
  else res.once('close', () => over.abort(gone));
  signals.set(res, over.signal);
  return over.signal;
}
