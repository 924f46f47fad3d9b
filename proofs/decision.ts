import { setTimeout as pause } from 'node:timers/promises';
import { Pool } from 'pg';
import { client } from '../cli/story';
import { withStack, type Stack } from '../bench/stack';
import { workflowId } from '../workflows/ids';
import { judge, rowsOf } from './decision/judge';
import { openGate, race, type Doors, type Raced } from './decision/race';
import type { Options, Outcome, Proof } from './proof';
import { random } from './random';

const ttlSeconds = 4;
/** Gates raced over at one time. */
const width = 12;
const batch = 200;

export const decision: Proof = {
  title: 'one gate has one decision, whoever races over it',
  quick: 150,
  run: (options) =>
    withStack(options.config, (stack) => prove(options, stack), options.form, { GATE_TTL_SECONDS: String(ttlSeconds) }),
};

async function prove({ count, seed, say }: Options, { local, temporal, approver }: Stack): Promise<Outcome> {
  const owner = new Pool({ connectionString: local.database_url, max: 4 });
  const doors: Doors = { urls: [local.url], requester: local.token, approver, temporal, ttlMs: ttlSeconds * 1000 };
  const ask = client(local);
  const { id: ticket } = await ask<{ id: number }>('POST', '/api/tickets', { title: 'race', auto_assign: false });
  const violations: string[] = [];
  const ends = new Map<string, number>();
  let operations = 0;
  let unknown = 0;

  const one = async (index: number): Promise<Raced> => {
    const chance = random(seed + index);
    const { number, at } = await openGate(doors, chance, ticket);
    const { rows } = await owner.query<{ id: string }>('select id from gates where number = $1', [number]);
    const id = workflowId('approvalGate', local.tenant_id, rows[0]?.id ?? '');
    return race(doors, chance, { number, workflowId: id, openedAt: at });
  };
  for (let from = 0; from < count; from += batch) {
    const indices = Array.from({ length: Math.min(batch, count - from) }, (_, i) => from + i);
    const raced = await inParallel(indices, width, one);
    const rows = await atRest(
      owner,
      raced.map((r) => r.number),
    );
    const byNumber = new Map(rows.map((r) => [r.number, r]));
    for (const r of raced) {
      const row = byNumber.get(r.number);
      violations.push(...judge(r, row));
      const end = row ? `${row.status}${row.status === 'expired' && row.decided ? '_after_approval' : ''}` : 'none';
      ends.set(end, (ends.get(end) ?? 0) + 1);
      operations += r.history.length;
      unknown += r.history.filter(
        (o) => o.outcome === 'unknown' && o.caller !== 'time' && o.caller !== 'operator',
      ).length;
    }
    say(`${from + indices.length} of ${count} gates, ${violations.length} violations`);
  }
  await owner.end();
  return { figures: { operations, unanswered: unknown, ...Object.fromEntries(ends) }, violations };
}

/** Every deadline passes by itself: until no gate can move any more, or none does. */
async function atRest(owner: Pool, numbers: number[]): ReturnType<typeof rowsOf> {
  const until = performance.now() + 2 * ttlSeconds * 1000 + 30_000;
  for (;;) {
    const rows = await rowsOf(owner, numbers);
    const open = rows.filter((r) => r.status === 'pending' || r.status === 'approved');
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
