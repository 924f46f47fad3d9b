import { lendable, type Lendable } from '../../../db/leases';
import { isTenant } from '../../../db/provider-states';
import type { RunView } from '../../../db/run-queries';
import type { Write } from '../../../db/tx';
import { BadGateway, DomainError, Forbidden } from '../../../domain/errors';
import type { LeaseScope } from '../../../domain/harness';
import { isEnded } from '../../../domain/run';
import { leaseFor, secretOf, untilItsEnd } from '../../../pipeline/credential';
import { filterOutput } from '../../../pipeline/output-filter';
import { loginOf, type Login } from '../../../pipeline/wazuh/login';
import { matchesGlob } from '../../../pipeline/tools/vault';
import type { Wazuh } from '../../../pipeline/wazuh/wazuh';
import type { wazuh } from '../../contracts/agentic/wazuh';
import type { Ctx, Handlers } from '../../kernel';
import { leaseEntry, missingLease, scopeText } from './leases';
import { ownRun } from './seen';

const api: LeaseScope = { system: 'wazuh', resourceType: 'api', resourceId: 'wazuh.manager', action: 'read' };
const usualIndex = 'wazuh-alerts-*';
/** What may stand in the path of a search, however it was leased. */
const indexName = /^[a-z0-9][a-z0-9._*-]{0,199}$/;

/** A lease that covers what is asked for, and what of that it covers. */
interface Covered {
  lease: Lendable;
  scope: LeaseScope;
}
type Find = (tx: Write, runId: string) => Promise<Covered | null>;
interface Use extends Covered {
  run: RunView;
  /** What of Wazuh is looked at, for people. */
  what: string;
}

const byApi: Find = async (tx, runId) => {
  const lease = await leaseFor(tx, runId, api);
  return lease && { lease, scope: api };
};

/** All that is configured where a lease covers that, else as much of it as one is for; else what the manager's lease opens. */
const byIndex =
  (all: LeaseScope): Find =>
  async (tx, runId) => {
    const { system, resourceType, action } = all;
    const leases = await lendable(tx, { runId, system, resourceType, action });
    const whole = leases.find((l) => matchesGlob(l.resource_id, all.resourceId));
    if (whole) return { lease: whole, scope: all };
    const part = leases.find((l) => indexName.test(l.resource_id) && matchesGlob(all.resourceId, l.resource_id));
    if (part) return { lease: part, scope: { ...all, resourceId: part.resource_id } };
    return byApi(tx, runId);
  };

/**
 * Says in the log who looks at what under which lease, or that none covers it; only then is anybody asked. The credential of
 * a run works for that run; people with the right, for each.
 * @throws Forbidden when none does, after that is written down
 */
async function underLease(ctx: Ctx, agent: number, find: Find, wanted: LeaseScope, what: string): Promise<Use> {
  const { run, found } = await ctx.write(async (tx) => {
    const run = await ownRun(ctx, tx, agent);
    const found = isEnded(run) ? null : await find(tx, run.id);
    const scope = scopeText(found?.scope ?? wanted);
    const summary = found
      ? `${ctx.actor.name} looks at ${what} for agent ${run.number} under lease ${found.lease.number} (${scope})`
      : `${ctx.actor.name} may not look at ${what} for agent ${run.number}: no active lease covers ${scope}`;
    const kind = found ? 'lease.used' : 'lease.checked';
    tx.log(
      leaseEntry(ctx, run, found?.lease ?? null, { kind, lease_id: found?.lease.number ?? null, scope, what, summary }),
    );
    return { run, found };
  });
  if (!found) throw missingLease(run);
  return { run, what, ...found };
}

/** The configured login, else what was leased. @throws BadGateway for a secret that is no login; of it nothing is said */
function loginFor(ctx: Ctx, configured: Login | null, { lease }: Use): Login {
  const login = configured ?? loginOf(secretOf(ctx.kernel.masterKey, lease));
  if (!login) throw new BadGateway('what was leased is no login of Wazuh', { reason: 'wazuh_login', field: 'lease' });
  return login;
}

/** @throws BadGateway when there is none of the tenant's */
async function configured<K extends 'manager' | 'indexer'>(ctx: Ctx, part: K): Promise<NonNullable<Wazuh[K]>> {
  const { wazuh: known } = ctx.kernel;
  const found = known?.[part] ?? null;
  if (!known || !found || !(await ctx.read((tx) => isTenant(tx, known.tenant)))) {
    const setting = part === 'manager' ? 'WAZUH_API_URL' : 'WAZUH_INDEXER_URL';
    throw new BadGateway(`Wazuh's ${part} is not configured here: ${setting}`, { reason: 'wazuh_not_configured' });
  }
  return found;
}

/** Asks, ends with the lease or with the caller, and says in the log what came of it. */
async function asked<T>(ctx: Ctx, use: Use, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const over = untilItsEnd(use.lease);
  const from = performance.now();
  const say = (outcome: string, error: string | null): Promise<void> =>
    ctx.write(async (tx) => {
      tx.log({
        kind: error === null ? 'wazuh.answered' : 'wazuh.failed',
        actor: ctx.actor,
        subject: { kind: 'lease', id: use.lease.id },
        ticketId: use.run.ticketId,
        runId: use.run.id,
        agentId: use.run.agentId,
        reason: error,
        body: {
          agent_id: use.run.number, lease_id: use.lease.number, what: use.what, outcome, ms: Math.round(performance.now() - from),
          summary: `${use.what} for agent ${use.run.number}: ${error ?? outcome}`, secret_values_returned: false,
        }, // prettier-ignore
      });
      return Promise.resolve();
    });
  try {
    const answer = await ask(AbortSignal.any([over, ctx.closed]));
    await say('answered', null);
    return answer;
  } catch (e) {
    if (over.aborted) {
      await say('lease_over', 'the lease ended meanwhile');
      throw new Forbidden('the lease ended meanwhile', { allow: false, reason: 'missing_agent_vault_lease' });
    }
    if (e instanceof DomainError) await say(e.code, e.message);
    throw e;
  }
}

const answer = ({ run, lease, scope }: Use) => ({
  agent_id: run.number,
  lease_id: lease.number,
  credential_ref: lease.credential_ref,
  secret_values_returned: false as const,
  broker_trace: {
    decision: 'allow' as const,
    reason: 'active_lease',
    scope: scopeText({ ...scope, resourceId: lease.resource_id }),
    audited: true as const,
    secret_values_returned: false as const,
  },
});
/** What Wazuh says may hold credentials of others: they are taken out as from what a tool read. */
const clean = <T>(value: T): T => filterOutput(value).value as T;

export const wazuhHandlers: Handlers<typeof wazuh> = {
  wazuhStatus: async ({ params }, ctx) => {
    const use = await underLease(ctx, params.agent_id, byApi, api, "the status of Wazuh's manager");
    const data = await asked(ctx, use, async (signal) => {
      const manager = await configured(ctx, 'manager');
      return manager.status(loginFor(ctx, manager.login, use), signal);
    });
    return { ...answer(use), data: clean(data) };
  },

  wazuhRule: async ({ params }, ctx) => {
    const use = await underLease(ctx, params.agent_id, byApi, api, `Wazuh's rule ${params.rule_id}`);
    const data = await asked(ctx, use, async (signal) => {
      const manager = await configured(ctx, 'manager');
      return manager.rule(params.rule_id, loginFor(ctx, manager.login, use), signal);
    });
    return { ...answer(use), rule_id: params.rule_id, data: clean(data) };
  },

  wazuhAlerts: async ({ params, query }, ctx) => {
    const resourceId = ctx.kernel.wazuh?.indexer?.index ?? usualIndex;
    const all = { system: 'wazuh', resourceType: 'alert_index', resourceId, action: 'read' };
    const what = `Wazuh's alerts${query.rule_id ? ` of rule ${query.rule_id}` : ''}${query.source_ip ? ` about ${query.source_ip}` : ''}`;
    const use = await underLease(ctx, params.agent_id, byIndex(all), all, what);
    const index = use.scope === api ? resourceId : use.scope.resourceId;
    const wanted = { ruleId: query.rule_id?.toString() ?? null, sourceIp: query.source_ip ?? null, limit: query.limit };
    const data = await asked(ctx, use, async (signal) => {
      const indexer = await configured(ctx, 'indexer');
      return indexer.search(index, wanted, loginFor(ctx, indexer.login, use), signal);
    });
    return {
      ...answer(use),
      query: { index, rule_id: query.rule_id ?? null, source_ip: query.source_ip ?? null, limit: query.limit },
      data: clean(data),
    };
  },
};
