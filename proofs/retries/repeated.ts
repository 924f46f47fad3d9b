import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import type { Mounted } from '../../api/http/mount';
import { isRaw } from '../../api/operation';
import { operations } from '../../api/registry';
import { surfaceOf } from '../../api/surfaces';
import type { Stack } from '../../bench/stack';
import type { Declared } from '../authority/declaration';
import { declared } from '../authority/declared';
import { request, type Answer } from '../authority/request';
import { changed, rowsOf } from '../authority/rows';
import { makeTenant, type Tenant } from '../authority/world';
import { untilStill } from '../cluster/settle';
import type { Options, Outcome } from '../proof';
import { effectsOf, newAdmin, type Principal } from './effects';
import { otherBody } from './other-body';

interface Post extends Mounted {
  path: string;
  entry: Declared;
}
const ending = ['restartAgent', 'unassignAgent', 'stopAgent'];
/** These get a ticket with an agent to themselves; it works meanwhile, and may ask for a change. */
const withAgent = ['synthesizePostmortem', 'wakeAgent', 'updateAgent', ...ending];
/** And these a ticket that nobody works on. */
const withTicket = ['assignAgent', 'spawnAgent', 'spawnPostmortem', 'spawnWorkflowBuild'];
/** What ends what others need comes last. */
const last = [...ending, 'setKillSwitch'];

/** Every POST that a credential may repeat with a key and that answers JSON, as it is declared. */
const posts: Post[] = operations
  .map((o) => ({ ...o, path: o.op.route.slice(o.op.route.indexOf(' ') + 1), entry: declared[o.name] ?? { ids: {} } }))
  .filter(
    ({ op }) =>
      op.route.startsWith('POST ') &&
      !['public', 'login', 'metrics'].includes(op.access) &&
      !op.upload &&
      !isRaw(op.output),
  )
  .sort((a, b) => last.indexOf(a.name) - last.indexOf(b.name));

/** They only look; no agent here has a token to be taken back; of what this world has to acknowledge, its agent has heard already; its tickets are in no provider, and no task waits; today's root stands. */
const silent = new Set([
  'verifyReceipt', 'validateApiKey', 'acknowledgeSteering', 'renderSkill', 'syncTicket', 'syncAllTickets', 'syncProvider',
  'syncProviderTicket', 'pushTicket', 'checkTool', 'checkAllTools', 'claimTask', 'claimWork',
  'searchAuditLogs', 'verifyRoot', 'computeRoot', 'activatePolicy', 'testPolicy', 'simulatePolicy',
  'introspectToken', 'testSsoConfig', 'revokeToken',
]); // prettier-ignore
/** What these write goes by a key of its own: a second caller's is the next version of the first one's. */
const versioned: Record<string, string> = {
  createWorkflow: 'blueprints',
  uploadPolicy: 'policy_versions',
  putSecret: 'kept_secrets',
  saveApproverGroup: 'raci_groups',
  saveApprovalRule: 'approval_rules',
  createRaciGroup: 'raci_groups',
  createRaciRule: 'raci_rules',
  inviteUser: 'users',
  saveSsoConfig: 'sso_configs',
  // The ticket that its agent works on by itself.
  createWorkTask: 'tickets',
};
/** An agent that starts on its own would write beside what is counted. */
const quietly: Record<string, Record<string, unknown>> = {
  createTicket: { auto_assign: false },
  claimWork: { type: 'nothing of this kind' },
};

/** Somebody, what they call with, and what they heard. */
interface Caller {
  who: Principal;
  ids: Tenant['ids'];
  answers: Answer[];
}

/** The ids that one principal calls with: made anew where the call uses them up. */
async function idsFor({ name, entry }: Post, { tenant, call }: Principal): Promise<Tenant['ids']> {
  await tenant.refresh(entry.fresh);
  if (![...withTicket, ...withAgent].includes(name)) return { ...tenant.ids };
  const { id: ticket } = await call('POST', '/api/tickets', { title: 'for one', auto_assign: false });
  if (withTicket.includes(name)) return { ...tenant.ids, ticket };
  const { agent_id: run, task_id: task } = await call('POST', `/api/tickets/${String(ticket)}/assign-agent`, {});
  return { ...tenant.ids, ticket, run, task };
}

/** One key over every POST, by everybody at once, each four times; then once more, when all is done; then with another body. */
export async function repeated({ count, say }: Options, { local, owner }: Stack): Promise<Outcome> {
  const place = { url: local.url, owner, databaseUrl: local.database_url };
  const violations: string[] = [];
  const tally = { requests: 0, replays: 0, running: 0, reached: 0, effects: 0, otherBody: 0 };
  for (let round = 0; round < count; round += 1) {
    const tenants = [await makeTenant(place), await makeTenant(place)];
    const [here, there] = tenants as [Tenant, Tenant];
    const principals: Principal[] = [];
    for (const tenant of [here, here, there]) principals.push(await newAdmin(local.url, owner, tenant));
    const key = randomUUID(); // one for all routes, principals and tenants
    for (const post of posts) {
      const { name, op } = post;
      const wrong = (what: string): void => void violations.push(`${name}: ${what}`);
      const callers: Caller[] = [];
      for (const who of principals) callers.push({ who, ids: await idsFor(post, who), answers: [] as Answer[] });
      const ask = async ({ who, ids }: Caller, different = {}): Promise<Answer> => {
        tally.requests += 1;
        return request(local.url, op, post.entry, {
          token: who.token,
          tenant: { ids },
          headers: { 'idempotency-key': key },
          changed: { ...quietly[name], ...different },
        });
      };
      const before = await effectsOf(owner, principals);
      await Promise.all(
        callers.map(async (c) => c.answers.push(...(await Promise.all([1, 2, 3, 4].map(() => ask(c)))))),
      );
      const effects = await effectsOf(owner, principals, before);
      for (const c of callers) {
        const again = await ask(c);
        const all = [...c.answers, again];
        const done = all.filter((a) => a.status < 300);
        tally.replays += all.filter(isReplay).length;
        tally.running += all.filter((a) => a.status === 409 && a.text.includes('still running')).length;
        if (all.some((a) => a.status >= 500)) wrong(`answered ${all.map((a) => a.status).join()}`);
        const kinds = [...(effects.get(c.who.id) ?? new Map<string, number>())];
        for (const [kind, times] of kinds) if (times > 1) wrong(`one key, ${kind} written ${times} times`);
        if (!done.length) {
          const wrote = kinds.map(([kind]) => kind).filter((kind) => !kind.includes('refused'));
          if (wrote.length && !post.entry.own) wrong(`refused with ${again.status}, and wrote ${wrote.join()}`);
          continue;
        }
        tally.reached += 1;
        tally.effects += kinds.length ? 1 : 0;
        const carriedOut = done.filter((a) => !isReplay(a)).length;
        if (carriedOut !== 1) wrong(`${carriedOut} requests with one key were carried out`);
        if (new Set(done.map((a) => a.text)).size > 1)
          wrong(`one key, several answers: ${[...new Set(done.map((a) => a.text))].join(' | ').slice(0, 600)}`);
        if (!isReplay(again))
          wrong(`a repeat was not answered as the first: ${again.status} ${again.text.slice(0, 200)}`);
      }
      const reached = callers.filter((c) => c.answers.some((a) => a.status < 300));
      for (const { tenantId } of tenants) {
        const of = reached.filter((c) => c.who.tenant.tenantId === tenantId).length;
        for (const [table, rows] of effects.get(tenantId) ?? [])
          if (rows !== of && !(table === 'gates' && withAgent.includes(name)) && versioned[name] !== table)
            wrong(`${of} keys, and ${rows} new ${table}`);
      }
      if (reached.length && !silent.has(name) && !effects.size) wrong('it was carried out, and nothing says so');
      // Repeats, and other bodies under the key, move no row of anybody: what moves by itself has come to rest the second time.
      const repeats = async (): Promise<void> => {
        for (const c of reached) {
          await ask(c);
          const other = op.body && otherBody(op.body, quietly[name] ?? {});
          if (!other) continue;
          const { status, text } = await ask(c, other);
          const expected = surfaceOf(post.path).statuses.KeyReused ?? 422;
          tally.otherBody += 1;
          if (status !== expected)
            wrong(`another body under the key: ${status} instead of ${expected}: ${text.slice(0, 200)}`);
        }
      };
      let moved = await whatMoves(owner, tenants, repeats);
      if (moved.length) {
        await untilStill(() => Promise.resolve(owner), 60_000);
        moved = await whatMoves(owner, tenants, repeats);
      }
      if (moved.length) wrong(`repeats have written to ${moved.join(', ')}`);
    }
    // A key whose request is done holds its answer.
    const { rows } = await owner.query<{ n: number }>(
      `select count(*)::int as n from idempotency_keys where key = $1 and answer_sealed is null`,
      [key],
    );
    if (rows[0]?.n) violations.push(`${rows[0].n} requests are done and their key still says that they run`);
    say(`round ${round + 1} of ${count}: ${violations.length} violations`);
  }
  return { figures: { operations: posts.length, pairs: posts.length * 3 * count, ...tally }, violations };
}

const isReplay = (a: Answer): boolean => a.headers['idempotent-replayed'] === 'true';

async function whatMoves(owner: Client, tenants: Tenant[], work: () => Promise<void>): Promise<string[]> {
  const look = async () => {
    const seen = [];
    for (const t of tenants) seen.push(await rowsOf(owner, t.tenantId));
    return seen;
  };
  const before = await look();
  await work();
  return (await look()).flatMap((after, i) => changed(before[i] ?? new Map<string, string>(), after));
}
