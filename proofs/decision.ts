import { setTimeout as pause } from 'node:timers/promises';
import { Pool } from 'pg';
import { workflowId } from '../workflows/ids';
import { withCluster, type Cluster } from './cluster/cluster';
import { judge, rowsOf } from './decision/judge';
import { killing } from './decision/kills';
import { alterOnApproval, openChange, openWaiting } from './decision/open';
import type { Doors } from './decision/calls';
import { race, type Raced } from './decision/race';
import { addPeople, openToVotes, raceOfVotes, type OpenedToVotes } from './decision/votes';
import { door } from './production/door';
import type { Options, Outcome, Proof } from './proof';
import { random } from './random';

const ttlSeconds = 4;
/** Gates raced over at one time. */
const width = 12;
const batch = 200;
/** One gate in so many is what an agent waits for; a process is killed each time that so many more were raced over. */
const waitingEvery = 5;
/** Of as many the votes of several people decide. */
const votedEvery = 4;
const killEvery = 40;

export const decision: Proof = {
  title:
    'one gate has one decision, by its approver or its votes, and what waits goes on once, whoever races and whoever dies',
  quick: 100,
  run: (options) =>
    withCluster(
      {
        config: options.config, form: options.form, apis: 2, workers: 2, durablePostgres: false,
        env: { GATE_TTL_SECONDS: String(ttlSeconds) },
      },
      (c) => prove(options, c),
    ), // prettier-ignore
};

async function prove({ count, seed, say }: Options, c: Cluster): Promise<Outcome> {
  const owner = new Pool({ connectionString: c.databaseUrl, max: 4 });
  await owner.query(`update tenants set four_eyes = 'strict'`);
  await alterOnApproval(owner);
  const temporal = await c.temporal();
  const doors: Doors = {
    urls: c.apiUrls, requester: c.token, approver: c.approver, temporal, ttlMs: ttlSeconds * 1000,
  }; // prettier-ignore
  const { call: ask } = door(c.apiUrls, c.token);
  const { id: ticket } = await ask<{ id: number }>('POST', '/api/tickets', { title: 'race', auto_assign: false });
  const people = await addPeople(await c.owner(), c.tenantId);
  const voting = { ...doors, people, db: owner, tenantId: c.tenantId, ask };
  const kills = killing(c, random(seed));
  const violations: string[] = [];
  const figures = new Map<string, number>();
  const add = (what: string, n = 1): void => void figures.set(what, (figures.get(what) ?? 0) + n);

  const one = async (index: number): Promise<Raced & Partial<OpenedToVotes>> => {
    const chance = random(seed + index);
    if (index % killEvery === killEvery - 1) kills.next();
    if (index % votedEvery === votedEvery - 1) {
      const opened = await openToVotes(ask, owner, chance, ticket);
      return raceOfVotes(voting, chance, { ...opened, workflowId: workflowId('approvalGate', c.tenantId, opened.id) });
    }
    const opened = await (index % waitingEvery === 0
      ? openWaiting(ask, owner, chance)
      : openChange(ask, owner, chance, ticket));
    return race(doors, chance, { ...opened, workflowId: workflowId('approvalGate', c.tenantId, opened.id) });
  };
  for (let from = 0; from < count; from += batch) {
    const indices = Array.from({ length: Math.min(batch, count - from) }, (_, i) => from + i);
    const raced = await inParallel(indices, width, one);
    await kills.over();
    const numbers = raced.map((r) => r.number);
    const byNumber = new Map((await atRest(owner, numbers)).map((r) => [r.number, r]));
    const applied = c.sink.lines().filter((l) => l.outcome === 'applied');
    for (const r of raced) {
      const row = byNumber.get(r.number);
      const effects = applied.filter((l) => l.run === r.run).length;
      violations.push(...judge(r, row, effects, r.quorum));
      if (r.quorum) {
        add('votes', row?.votes.length ?? 0);
        add(`by_votes_${row?.status === 'rejected' ? 'rejected' : row?.decided ? 'approved' : 'undecided'}`);
      }
      add(row ? `${row.status}${row.status === 'expired' && row.decided ? '_after_approval' : ''}` : 'none');
      add('operations', r.history.length);
      add('unanswered', r.history.filter((o) => o.outcome === 'unknown' && /^(?!time|operator)/.test(o.caller)).length);
      add('resumed', Number(row?.run_moves.includes('resumed') ?? 0));
      add('effects', effects);
      add('altered_refused', Number(r.altered && (row?.run_moves.includes('failed') ?? false)));
    }
    say(`${from + indices.length} of ${count} gates, ${violations.length} violations`);
  }
  await owner.end();
  // What never came about was not attacked; of few gates some endings may be missing by chance.
  if (count >= 5 * decision.quick)
    for (const what of [
      'altered_refused',
      'resumed',
      'effects',
      'rejected',
      'expired',
      'by_votes_approved',
      'by_votes_rejected',
    ])
      if (!figures.get(what)) violations.push(`of ${count} gates none came to ${what}`);
  const killed = [...kills.by].map(([name, times]) => `${name}:${times}`).join(',');
  return { figures: { kills: killed, ...Object.fromEntries(figures) }, violations };
}

/** Every deadline passes by itself: until no gate can move any more and no run waits, or nothing comes to rest. */
async function atRest(owner: Pool, numbers: number[]): ReturnType<typeof rowsOf> {
  const until = performance.now() + 2 * ttlSeconds * 1000 + 30_000;
  for (;;) {
    const rows = await rowsOf(owner, numbers);
    const open = rows.filter((r) => r.status === 'pending' || r.status === 'approved' || !r.run_over);
    if (!open.length || performance.now() > until) return rows;
    await pause(200);
  }
}

/** At most `width` at a time, the answers in order. */
async function inParallel<A, R>(items: readonly A[], width: number, work: (item: A) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let i = next++; i < items.length; i = next++) results[i] = await work(items[i] as A);
  };
  await Promise.all(Array.from({ length: width }, lane));
  return results;
}
