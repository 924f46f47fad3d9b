import { hostname } from 'node:os';
import { Unavailable } from '../../../domain/errors';
import { canSeeProcesses, place } from '../../../runner/proc';

/** This machine, as rows have it. @throws Unavailable where processes cannot be looked at: there is no /proc */
export function here(): { host: string; place: string } {
  if (!canSeeProcesses()) throw new Unavailable('commands need Linux: this machine has no /proc', { retry: false });
  return { host: hostname(), place: place() };
}
