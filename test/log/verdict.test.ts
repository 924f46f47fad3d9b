import { copyOut } from '../../db/copy';
import { entryColumns } from '../../db/log-queries';
import { copyEntries, type RawEntry } from '../../db/log-verify';
import type { Read } from '../../db/tx';
import { canonical } from '../../log/canonical';
import { entryDigest, entryHash, eventHash, shardOf, zeros } from '../../log/chain';
import { soundness } from '../../log/sound';
import { verifyLog, type Violation } from '../../log/verify';
import { random } from '../../proofs/random';
import { openHouse, type House } from '../house';

// The verifier tells from the bytes of an entry that it is right. Here each is checked column by column with what the writer
// uses: whatever stands in a column, both find the same.

let house: House;
let owner: Read;
const r = random(20_260_102);
const written = 48;
const long = ['x'.repeat(9_000), 'ü"'.repeat(9_000)];

const odd = [
  '', ' ', 'a"b', 'back\\slash', '\\u0041', '\b\t\n\f\r', '\u0001\u001f', '\u007f', '\u0080', 'größe', '\u2028\u2029', '\ufeff', '\uffff',
  '\u{1f600}', 'null', '","tool":"', '</script>', 'execution.', 'execution.größe', 'a.b.c',
]; // prettier-ignore
const numbers = [0, -0, -1, 1e21, 1e-7, 5e-324, 1.7976931348623157e308, 2 ** 53, 123456789012345680000, 1 / 3];
const body = (depth: number): Record<string, unknown> =>
  Object.fromEntries(
    Array.from({ length: 1 + r.below(4) }, () => [
      r.pick([...odd, '__proto__', 'toJSON', '1', '10', '9']),
      depth ? r.pick([body(depth - 1), [r.pick(odd), r.pick(numbers), null, true, {}, []]]) : r.pick([...odd, ...numbers]),
    ]),
  ); // prettier-ignore

beforeAll(async () => {
  house = await openHouse();
  const sometimes = (): string | null => r.pick([null, r.pick(odd)]);
  for (let i = 0; i < written; i += 8) {
    await house.store.write(house.tenantId, (tx) => {
      for (let j = i; j < i + 8; j += 1) {
        const named = { id: sometimes(), kind: 'user' as const, name: r.pick(odd) };
        const about = r.pick([null, house.analystId]);
        tx.log({
          kind: r.pick(odd), actor: named, subject: { kind: 'ticket', id: r.pick(odd) }, tool: sometimes(), reason: j % 16 ? sometimes() : r.pick(long),
          correlationId: sometimes(), decision: r.pick(odd), ticketId: about, runId: about, agentId: about, body: body(2),
          requestId: r.pick([null, `${j}${r.pick(odd)}`]), ...(j % 3 && { version: j - 20, transition: `${j}${r.pick(odd)}` }),
        }); // prettier-ignore
      }
      return Promise.resolve();
    });
  }
  owner = {
    tenantId: house.tenantId,
    query: (sql, params) => house.owner.query(sql, params as unknown[]),
    copy: (select, onRow) => copyOut(house.owner, select, onRow),
  };
  await house.owner.query('begin; alter table log disable trigger all');
});
afterAll(() => house.close());

const columns = entryColumns.replace(/\b(actor|body)\b/g, '$1::text as $1');

async function columnByColumn(): Promise<Violation[]> {
  const { rows } = await house.owner.query<RawEntry & Record<string, unknown>>(
    `select ${columns} from log order by log.seq`,
  );
  const found: Violation[] = [];
  let last = { seq: 0, at: '', hash: zeros };
  const shards = new Map<number, string>();
  for (const e of rows) {
    const { seq, id, requestId, chainShard: shard } = e;
    const check = (error: Violation['error'], expected: string | null, actual: string, good = expected === actual) =>
      good || found.push({ seq, id, requestId, shard, error, expected, actual });
    const digest = (): string | null => {
      if (entryDigest(e) === e.digest) return e.digest;
      try {
        const afresh = (json: string): string => canonical(JSON.parse(json));
        return entryDigest({ ...e, actor: afresh(e.actor), body: afresh(e.body) });
      } catch {
        return null;
      }
    };
    check('gap', String(last.seq + 1), String(seq));
    check('prev_hash_mismatch', last.hash, e.prevHash);
    check('content_mismatch', digest(), e.digest);
    check('hash_mismatch', entryHash(e), e.hash);
    check('time_not_rising', last.at, e.at, !(e.at <= last.at));
    check('shard_mismatch', String(shardOf(requestId)), String(shard));
    check('event_prev_mismatch', shards.get(shard) ?? zeros, e.eventPrev);
    check('event_hash_mismatch', eventHash(e.eventPrev, e), e.eventHash);
    last = e;
    shards.set(shard, e.eventHash);
  }
  return found;
}

const chains = async (): Promise<Violation[]> => {
  const { violations, rowsChecked } = await verifyLog(owner, { find: () => null }, r.pick([1, 7, written, 10_000]));
  expect(rowsChecked).toBe(written);
  return violations.filter((v) => !v.error.startsWith('receipt_')); // some of these kinds are calls of tools: they have none
};

test('whatever text an entry holds, the text of its columns is the one that was hashed', async () => {
  expect(await columnByColumn()).toEqual([]);
  expect(await chains()).toEqual([]);
  const vouches = soundness({ seq: 0, at: '', hash: zeros, shards: new Map() });
  let vouched = 0;
  await copyEntries(owner, null, written, (entry) => void (vouched += Number(vouches(entry))));
  expect(vouched).toBe(written);
});

const hash = (): string => r.pick([zeros, 'a'.repeat(64), '', r.pick(odd), 'A'.repeat(64)]);
const uuid = (): string => `00000000-0000-4000-8000-${String(r.below(1e9)).padStart(12, '0')}`;
const json = (): string =>
  r.pick(['{}', '[]', 'null', '1e400', '{"a": 1}', '{"a":1,"a":2}', '"\\ud800"', ` ${JSON.stringify(body(1), null, 1)}\n`, '{"__proto__":1}', '-0', '1.0']); // prettier-ignore
const texts = [
  'kind',
  'subject_kind',
  'subject_id',
  'transition',
  'tool',
  'decision',
  'reason',
  'request_id',
  'correlation_id',
];
const draw: Record<string, () => unknown> = {
  ...Object.fromEntries(texts.map((c) => [c, () => `${r.pick(odd)}${r.below(1000)}`])),
  ...Object.fromEntries(['digest', 'prev_hash', 'hash', 'event_prev', 'event_hash'].map((c) => [c, hash])),
  ...Object.fromEntries(['id', 'tenant_id', 'ticket_id', 'run_id', 'agent_id'].map((c) => [c, uuid])),
  actor: json,
  body: json,
  version: () => r.pick([2_147_483_647, -2_147_483_648, 0, 999]),
  seq: () => r.pick(['9223372036854775807', '-1', '0', '100000', '9007199254740993']),
  at: () => r.pick(['infinity', '-infinity', '2001-01-01', '9999-12-31', '0044-03-15 BC', '294276-01-01']),
  chain_shard: () => r.pick([-1, 0, 15, 16, 32_767]),
};
const nullable = [
  'version',
  'transition',
  'ticket_id',
  'run_id',
  'agent_id',
  'tool',
  'reason',
  'request_id',
  'correlation_id',
];

test('every column of the log can be tampered with here', async () => {
  const { rows } = await house.owner.query<{ name: string }>(
    `select column_name as name from information_schema.columns where table_name = 'log'`,
  );
  expect(Object.keys(draw).sort()).toEqual(rows.map((c) => c.name).sort());
});

test.each(Object.keys(draw))('whatever comes to stand in %s, both find the same', async (column) => {
  let found = 0;
  for (let i = 0; i < 16; i += 1) {
    const seq = 1 + r.below(written);
    const value = nullable.includes(column) && i % 4 === 0 ? null : draw[column]?.();
    await house.owner.query('savepoint before');
    const { rows } = await house.owner.query<{ changed: boolean }>(
      `update log set ${column} = $1 where seq = $2 returning old.${column}::text is distinct from new.${column}::text as changed`,
      [value, seq],
    );
    const exact = await columnByColumn();
    expect(await chains()).toEqual(exact);
    if (rows[0]?.changed && draw[column] !== json) expect(exact).not.toEqual([]);
    found += exact.length ? 1 : 0;
    await house.owner.query('rollback to savepoint before');
  }
  expect(found).toBeGreaterThan(5);
});
