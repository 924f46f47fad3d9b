import type { AccessRequest } from '../domain/access';
import { onSignal, textOf } from './kit';
import { accessMoved, steer } from './messages';

/** What a run was told that its agent should look at: what people said, access that moved. */
export interface News {
  /** Grows with everything. */
  count(): number;
  /** Access requests as they were told last. */
  access: Map<string, AccessRequest>;
  /** Ids of what people said: a repeat of one is no news. */
  seen: Set<string>;
}

export function hearNews(before: { access: readonly AccessRequest[]; seen: readonly string[] }): News {
  let news = 0;
  const seen = new Set(before.seen);
  const access = new Map(before.access.map((a) => [a.id, a]));
  onSignal(
    accessMoved,
    (raw) => (textOf(raw.id) && textOf(raw.gateId) ? (raw as AccessRequest) : null),
    (a) => {
      access.set(a.id, a);
      news += 1;
    },
  );
  onSignal(
    steer,
    (raw) => (textOf(raw.id) ? { id: textOf(raw.id) ?? '' } : null),
    (s) => {
      if (seen.has(s.id)) return;
      seen.add(s.id);
      news += 1;
    },
  );
  return { count: () => news, access, seen };
}
