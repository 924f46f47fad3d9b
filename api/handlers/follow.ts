import type { Entry } from '../../domain/log';
import type { Scope } from '../../domain/scopes';
import { atMostEvery, perOwner } from '../../log/shared';
import { listen } from '../../log/tail';
import type { Ctx, Kernel } from '../kernel';

/** A credential that was revoked is listened with no longer than a second: looked at twice in it, once for all that do. */
export const recheckMs = 400;
const rechecks = perOwner((_kernel: Kernel) => atMostEvery<boolean>(recheckMs));

export type Followed =
  | { is: 'begin'; seq: number }
  | { is: 'entry'; entry: Entry }
  /** Whoever follows does not take what is there: asked again at once, so it is they who wait. */
  | { is: 'full' }
  /** Nothing that fits for a while. */
  | { is: 'quiet' }
  /** The credential opens this no more; nothing follows. */
  | { is: 'over' };

export const overReason = 'the credential was revoked or has expired';

/**
 * The log of the caller's tenant as it grows, after `seen`, or from now on: read as fast as the caller takes it, and for as
 * long as its credential has the scope. A number beyond the end was never told to anybody: then from the end.
 */
export async function* follow(
  ctx: Ctx,
  scope: Scope,
  seen: number | null,
  fits: (entry: Entry) => boolean,
  takes: () => boolean = () => true,
): AsyncGenerator<Followed, void> {
  const { closed, tenantId, principal } = ctx;
  const recheck = rechecks(ctx.kernel);
  const mayListen = async (): Promise<boolean> => {
    const now = await ctx.recheck();
    return now?.tenantId === tenantId && now.scopes.includes(scope);
  };
  const isOver = async (): Promise<boolean> => !(await recheck(`${principal.credentialId} ${scope}`, mayListen));
  const tail = await listen(ctx.kernel.store, tenantId);
  try {
    let seq = Math.min(seen ?? tail.seq, tail.seq);
    yield { is: 'begin', seq };
    while (!closed.aborted) {
      for (const entry of await tail.after(seq, recheckMs, closed)) {
        if (!fits(entry)) {
          seq = entry.seq;
          continue;
        }
        while (!takes() && !closed.aborted && !(await isOver())) yield { is: 'full' };
        if (closed.aborted || (await isOver())) break;
        seq = entry.seq;
        yield { is: 'entry', entry };
      }
      if (await isOver()) {
        yield { is: 'over' };
        return;
      }
      yield { is: 'quiet' };
    }
  } finally {
    tail.leave();
  }
}
