import { callFacts, type Asked, type Facts } from '../db/executions';
import type { Store } from '../log/store';
import { grouped } from './grouped';

/** What the stages need to know of a call. Of calls that are made at the same time in one round trip, begun after the last of them asked. */
export function factsFrom(store: Store): (tenantId: string, asked: Asked) => Promise<Facts> {
  const ofTenants = new Map<string, (asked: Asked) => Promise<Facts>>();
  return (tenantId, asked) => {
    const ofTenant =
      ofTenants.get(tenantId) ??
      grouped((all: readonly Asked[]) => store.read(tenantId, (tx) => callFacts(tx, all)), {
        keysOf: () => [],
        most: 32,
        atOnce: 2,
      });
    ofTenants.set(tenantId, ofTenant);
    return ofTenant(asked);
  };
}
