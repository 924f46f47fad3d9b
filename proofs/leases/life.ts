import { setTimeout as pause } from 'node:timers/promises';
import { workflowId, type Kind } from '../../workflows/ids';
import { leased } from '../cluster/effect';
import { promptOf } from '../cluster/plan';
import type { Random } from '../random';
import { until } from '../until';
import { keepers, timeoutMs, type Keeper, type World } from './world';

/** How a lease comes to its end. */
export const ends = [
  'stop',
  'expire',
  'run-terminated',
  'access-terminated',
  'both-terminated',
  'access-cancelled',
] as const;
export type End = (typeof ends)[number];

type Trouble = (w: World, chance: Random) => Promise<void>;
const mishap =
  (op: 'grant' | 'revoke', what: 'lose' | 'die-before' | 'die-after'): Trouble =>
  (w) =>
    w.provider.order({ mishaps: [{ op, what }], slowMs: 0 });
/** Every answer, for a while: none is heard when that is longer than the product's patience. */
const slow =
  (slowMs: number): Trouble =>
  async (w) => {
    await w.provider.order({ mishaps: [], slowMs });
    await pause(2 * timeoutMs);
    await w.provider.order({ mishaps: [], slowMs: 0 });
  };
const killWorker: Trouble = async ({ c }, chance) => {
  const worker = chance.pick(c.parts.workers);
  await worker.kill();
  await worker.start();
};
/** While the lease is granted, and while it is taken back. */
const troubles: Record<string, Trouble> = {
  none: () => Promise.resolve(),
  'lost-grant': mishap('grant', 'lose'),
  'killed-before-grant': mishap('grant', 'die-before'),
  'killed-after-grant': mishap('grant', 'die-after'),
  'lost-revoke': mishap('revoke', 'lose'),
  'killed-before-revoke': mishap('revoke', 'die-before'),
  'killed-in-revoke': mishap('revoke', 'die-after'),
  down: (w, chance) => w.provider.down(500 + chance.below(2_000)),
  slow: slow(300),
  'too-slow': slow(timeoutMs + 300),
  'worker-killed': killWorker,
};

export interface Plan {
  keeper: Keeper;
  granting: string;
  revoking: string;
  end: End;
}
const by =
  (keeper: Keeper) =>
  (granting: string, revoking: string, end: End): Plan => ({ keeper, granting, revoking, end });
const [http, vault] = [by('http'), by('vault')];
/** Each trouble and each end once, those of a vault with its own; the slowest ends first; what comes after is picked by chance. */
export const plans: readonly Plan[] = [
  http('none', 'none', 'run-terminated'),
  vault('none', 'down', 'both-terminated'),
  http('none', 'none', 'access-terminated'),
  vault('lost-grant', 'none', 'run-terminated'),
  http('none', 'down', 'both-terminated'),
  vault('worker-killed', 'none', 'access-terminated'),
  http('too-slow', 'killed-in-revoke', 'expire'),
  vault('slow', 'killed-before-revoke', 'expire'),
  http('slow', 'slow', 'expire'),
  vault('none', 'worker-killed', 'expire'),
  http('none', 'down', 'expire'),
  http('lost-grant', 'lost-revoke', 'stop'),
  http('killed-before-grant', 'killed-before-revoke', 'stop'),
  vault('killed-after-grant', 'lost-revoke', 'stop'),
  http('killed-after-grant', 'killed-in-revoke', 'stop'),
  vault('killed-before-grant', 'killed-in-revoke', 'stop'),
  http('down', 'down', 'stop'),
  vault('down', 'too-slow', 'stop'),
  http('none', 'too-slow', 'stop'),
  http('worker-killed', 'none', 'stop'),
  http('none', 'worker-killed', 'stop'),
  http('none', 'none', 'access-cancelled'),
  vault('none', 'none', 'access-cancelled'),
];
export const planOf = (n: number, chance: Random): Plan =>
  plans[n] ??
  by(chance.pick(keepers))(chance.pick(Object.keys(troubles)), chance.pick(Object.keys(troubles)), chance.pick(ends));

export interface Lived {
  plan: Plan;
  /** From what ends it (or its time) to the provider's confirmation in the row. */
  tookMs: number;
  /** Uses that were accepted before its end began. */
  used: number;
}

interface Row extends Record<string, unknown> {
  id: string;
  status: string;
  expires_at: Date;
}

/** An agent, what it is lent, its uses of it, and the end of that; with what goes wrong meanwhile. */
export async function life(w: World, plan: Plan, chance: Random): Promise<Lived> {
  const { c, calls, db } = w;
  const { tenantId, token: key, approver } = w.tenants[plan.keeper];
  const post = async (path: string, body: object, token = key): Promise<Record<string, unknown>> => {
    const answer = await calls.post(path, token, body);
    if (answer.status >= 300) throw new Error(`${path} ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  /** A word that was signed before the clock jumped is no proof: people say it again. */
  const decide = (change: number, verdict: 'approve' | 'complete', stands: readonly string[]) =>
    until(`change ${change} to hear ${verdict}`, async () => {
      const { status } = await calls.post(`/api/changes/${change}/${verdict}`, verdict === 'approve' ? approver : key, {
        ...(verdict === 'complete' && { result: 'given' }),
      }); // prettier-ignore
      if (status < 300) return true;
      const { rows } = await db.query<{ status: string }>(
        'select status from gates where number = $1 and tenant_id = $2',
        [change, tenantId],
      );
      return stands.includes(rows[0]?.status ?? '') ? true : null;
    });
  const ticket = Number((await post('/api/tickets', { title: 'lease', auto_assign: false }))['id']);
  const agent = Number((await post(`/api/tickets/${ticket}/assign-agent`, { prompt: promptOf({ effects: 0, uses: 2_000 }) }))['agent_id']); // prettier-ignore
  const asked = await post(`/api/tickets/${ticket}/access-request`, {
    agent_id: agent,
    resource: 'the thing',
    permission: 'use',
    lease_request: {
      system: leased.system,
      resource_type: leased.resourceType,
      resource_id: '*',
      action: leased.action,
      ...(plan.end === 'expire' && { expires_at: new Date(Date.now() + 8_000).toISOString() }),
    },
  });
  const change = Number(asked['change_id']);
  const { rows: ids } = await db.query<{ access: string; run: string }>(
    'select id as access, run_id as run from access_requests where number = $1 and tenant_id = $2',
    [Number(asked['access_request_id']), tenantId],
  );
  const { access = '', run = '' } = ids[0] ?? {};
  const leaseRow = async (): Promise<Row | null> =>
    (await db.query<Row>('select id, status, expires_at from leases where access_request_id = $1', [access])).rows[0] ??
    null;
  const usesOf = (id: string): number =>
    w.provider.lines().filter((l) => l.op === 'use' && l.lease === id && l.outcome === 'applied').length;

  await decide(change, 'approve', ['approved', 'completed', 'expired']);
  const granting = troubles[plan.granting]?.(w, chance);
  await decide(change, 'complete', ['completed', 'expired']);
  // With the provider away the end may come while it is still asked.
  const early = plan.granting === 'down' && plan.end !== 'expire';
  const { lease, used } = await until(`lease of access ${access} to be used`, async () => {
    const row = await leaseRow();
    if (!row) return null;
    const uses = usesOf(row.id);
    return early || uses >= 3 || row.status.startsWith('revok') || row.status === 'expired'
      ? { lease: row, used: uses }
      : null;
  });
  await granting;
  const revoking = troubles[plan.revoking]?.(w, chance);
  const temporal = await c.temporal();
  const handle = (kind: Kind, id: string) => temporal.workflow.getHandle(workflowId(kind, tenantId, id));
  const terminate = (kind: Kind, id: string) => handle(kind, id).terminate('by the proof').catch(gone);
  let from = performance.now();
  if (plan.end === 'stop') await post(`/api/agents/${agent}/stop`, { reason: 'enough' });
  if (plan.end === 'run-terminated' || plan.end === 'both-terminated') await terminate('agentRun', run);
  if (plan.end === 'access-terminated' || plan.end === 'both-terminated') await terminate('accessRequest', access);
  if (plan.end === 'access-cancelled') await handle('accessRequest', access).cancel().catch(gone);
  if (plan.end === 'expire') from += Math.max(0, lease.expires_at.getTime() - Date.now());
  await until(`lease ${lease.id} (${JSON.stringify(plan)}) to be confirmed dead`, async () => {
    const row = await leaseRow();
    return row && ['revoked', 'expired'].includes(row.status) ? row : null;
  });
  const tookMs = Math.max(0, performance.now() - from);
  await revoking;
  if (plan.end !== 'stop' && !plan.end.includes('terminated')) await calls.post(`/api/agents/${agent}/stop`, key, { reason: 'over' }); // prettier-ignore
  return { plan, tookMs, used };
}

/** It ended by itself in between. @throws anything else */
function gone(e: unknown): void {
  if (!(e instanceof Error) || e.name !== 'WorkflowNotFoundError') throw e;
}
