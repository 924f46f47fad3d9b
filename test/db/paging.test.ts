import { v7 } from 'uuid';
import { pageOfGates } from '../../db/changes';
import { searchEntries, type EntryFilter } from '../../db/log-search';
import { walkTo, type Span } from '../../db/paging';
import { listTickets, type TicketFilter } from '../../db/ticket-queries';
import { gateStatuses } from '../../domain/gate';
import { system } from '../../domain/principal';
import { ticketStatuses } from '../../domain/ticket';
import { actionOf } from '../../log/chain';
import { random as seeded } from '../../proofs/random';
import { openHouse, type House } from '../house';

// Pages and totals that come from tallies are those of the plain query, wherever the page lies.

let house: House;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house.close());

const everyTicket: TicketFilter = {
  only: null, status: null, priority: null, assignee: null, assigned: null, agentState: null, provider: null, text: null,
  sortBy: 'id', descending: true, limit: 7, offset: 0,
}; // prettier-ignore
const everyEntry: EntryFilter = { agentId: null, action: null, decision: null, tool: null, from: null, to: null };
const numbersOf = async (sql: string, params: unknown[] = []): Promise<number[]> =>
  (await house.owner.query<{ n: number }>(sql, params)).rows.map((r) => Number(r.n));
/** First, second, middle, last, cut by the end, and beyond it. */
const offsets = (total: number, limit: number): number[] => [
  0, limit, Math.floor(total / 2), Math.max(0, total - limit), Math.max(0, total - 1), total, total + limit,
]; // prettier-ignore

/** Numbers with holes, over several blocks: each tenth ticket is far from the one before it. */
async function ticketsFar(tenantId: string, count: number): Promise<void> {
  await house.owner.query(
    `insert into tickets (id, tenant_id, number, title, description, ticket_class, status, priority, provider, created_by)
     overriding system value
     select gen_random_uuid(), $1, (select coalesce(max(number), 0) from tickets) + i + (i / 10) * 9001, 'Ticket ' || i, '', 'Incident',
       ($2::text[])[1 + i * i % $3], (array['1', 'P2', null, '4'])[1 + i % 4], (array['local', 'itop'])[1 + (i / 3) % 2], '{"id":null,"kind":"system","name":"t"}'
     from generate_series(1, $4::int) i`,
    [tenantId, ticketStatuses, ticketStatuses.length, count],
  );
  await house.owner.query(
    `select setval(pg_get_serial_sequence('tickets', 'number'), (select max(number) from tickets))`,
  );
}

test('every page of a list is reached from the nearer end', () => {
  const random = seeded(7);
  for (let round = 0; round < 500; round += 1) {
    const keys: number[] = [];
    const spans: Span[] = [];
    for (let block = 9; block >= 0; block -= 1) {
      const rows = random.below(6);
      for (let i = rows; i > 0; i -= 1) keys.push(block * 10 + i);
      if (rows) spans.push({ low: block * 10, high: block * 10 + 9, rows });
    }
    const [offset, limit] = [random.below(keys.length + 5), 1 + random.below(12)];
    const walk = walkTo(spans, offset, limit);
    const wanted = keys.slice(offset, offset + limit);
    if (walk === null) {
      expect(wanted).toEqual([]);
      continue;
    }
    const way =
      walk.direction === 'down' ? keys.filter((k) => k <= walk.bound) : keys.filter((k) => k >= walk.bound).reverse();
    const found = way.slice(walk.skip, walk.skip + walk.limit);
    expect(walk.direction === 'down' ? found : found.reverse()).toEqual(wanted);
  }
});

test('tickets: by the filters that tallies know, both ways, as the plain query has them', async () => {
  const { tenantId, store } = house;
  await ticketsFar(tenantId, 120);
  await ticketsFar((await house.tenant('beside')).tenantId, 30);
  const filters: [Partial<TicketFilter>, string][] = [
    [{}, 'true'],
    [{ status: 'new' }, `status = 'new'`],
    [{ priority: 2 }, `priority = 'P2'`],
    [{ provider: 'itop', status: 'new' }, `provider = 'itop' and status = 'new'`],
    [{ assigned: false, priority: 1 }, `run_id is null and priority = '1'`],
    [{ assigned: true }, 'run_id is not null'],
    [{ text: 'ticket 1' }, `title ilike '%ticket 1%'`],
  ];
  for (const [filter, where] of filters)
    for (const descending of [true, false]) {
      const all = await numbersOf(
        `select number as n from tickets where tenant_id = $1 and ${where} order by number ${descending ? 'desc' : 'asc'}`,
        [tenantId],
      );
      for (const offset of offsets(all.length, 7)) {
        const found = await store.read(tenantId, (tx) =>
          listTickets(tx, { ...everyTicket, ...filter, descending, offset }),
        );
        expect([filter, offset, found.total, found.tickets.map((t) => t.number)]).toEqual([
          filter, offset, all.length, all.slice(offset, offset + 7),
        ]); // prettier-ignore
      }
    }
});

test('changes: by status, with those that wait, as the plain query has them', async () => {
  const { tenantId, store } = house;
  await house.owner.query(
    `insert into gates (id, tenant_id, number, action, target, risk_level, approval_policy, status, requested_by, requested_at, expires_at, version)
     overriding system value
     select gen_random_uuid(), $1, i * 4001, 'restart', 'host', 'low', '{}', ($2::text[])[1 + i * i % 5], '{"id":null,"kind":"system","name":"t"}', now(), now(), 1
     from generate_series(1, 90) i`,
    [tenantId, gateStatuses],
  );
  for (const status of [null, ...gateStatuses]) {
    const all = await numbersOf(
      'select number as n from gates where tenant_id = $1 and ($2::text is null or status = $2) order by number desc',
      [tenantId, status],
    );
    const waiting = await numbersOf(
      `select count(*) as n from gates where tenant_id = $1 and status = 'pending' and ($2::text is null or status = $2)`,
      [tenantId, status],
    );
    for (const offset of offsets(all.length, 7)) {
      const found = await store.read(tenantId, (tx) =>
        pageOfGates(tx, { only: null, status, agent: null, ticket: null }, 7, offset),
      );
      expect([status, offset, found.total, found.pending, found.gates.map((g) => g.number)]).toEqual([
        status, offset, all.length, waiting[0], all.slice(offset, offset + 7),
      ]); // prettier-ignore
    }
  }
});

test('the log: by what it is searched for and by time, with tallies behind, whole and cut', async () => {
  const { tenantId, store, analystId } = house;
  const kinds = ['execution.allowed', 'execution.denied', 'note.added', 'gate.requested'];
  const size = 600;
  for (let written = 0; written < 18_000; written += size)
    await store.write(tenantId, async (tx) => {
      for (let i = 0; i < size; i += 1) {
        const kind = kinds[(i * 7) % 4] ?? '';
        const governed = kind.startsWith('execution.');
        tx.log({
          kind, actor: system, subject: { kind: 'ticket', id: v7() }, decision: kind.endsWith('denied') ? 'deny' : 'allow',
          ...(governed && { tool: i % 3 ? 'logs.search' : 'logs.errors', agentId: analystId }),
        }); // prettier-ignore
      }
      if (written === 9_600) await tx.query('select tally_log()');
    });
  const at = async (seq: number): Promise<string> => {
    const { rows } = await house.owner.query<{ at: string }>(
      `select to_char(at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at from log where tenant_id = $1 and seq = $2`,
      [tenantId, seq],
    );
    return rows[0]?.at ?? '';
  };
  const filters: Partial<EntryFilter>[] = [
    {}, { tool: 'logs.errors' }, { decision: 'deny' }, { decision: 'allow', action: 'execute_tool' }, { action: actionOf('note.added') },
    { agentId: analystId, tool: 'logs.search' }, { tool: 'nothing' },
  ]; // prettier-ignore
  const times: [number | null, number | null][] = [[null, null], [8_192, null], [null, 9_000], [5_000, 17_500], [17_000, 17_100]]; // prettier-ignore
  for (const [from, to] of times)
    for (const filter of filters) {
      const f: EntryFilter = {
        ...everyEntry,
        ...filter,
        from: from === null ? null : await at(from),
        to: to === null ? null : await at(to),
      };
      const all = await numbersOf(
        `select seq as n from log where tenant_id = $1 and ($2::uuid is null or agent_id = $2) and ($3::text is null or log_action(kind) = $3)
           and ($4::text is null or decision = $4) and ($5::text is null or tool = $5) and seq >= $6 and seq <= $7 order by seq desc`,
        [tenantId, f.agentId, f.action, f.decision, f.tool, from ?? 0, to ?? 1e9],
      );
      for (const offset of offsets(all.length, 7)) {
        const found = await store.read(tenantId, (tx) => searchEntries(tx, f, 7, offset));
        expect([f, offset, found.total, found.entries.map((e) => e.seq)]).toEqual([
          f, offset, all.length, all.slice(offset, offset + 7),
        ]); // prettier-ignore
      }
    }
});

test('tallies are what counting gives, after writers at once, some of which gave up', async () => {
  const { tenantId, store } = house;
  const ids = (await house.owner.query<{ id: string }>('select id from tickets where tenant_id = $1', [tenantId])).rows;
  const gates = (await house.owner.query<{ id: string }>('select id from gates where tenant_id = $1', [tenantId])).rows;
  const writer = async (seed: number): Promise<void> => {
    const random = seeded(seed);
    for (let i = 0; i < 40; i += 1) {
      const gaveUp = new Error('gave up');
      await store
        .write(tenantId, async (tx) => {
          await tx.query('update tickets set status = $2, priority = $3 where id = $1', [
            ids[random.below(ids.length)]?.id, ticketStatuses[random.below(12)], String(1 + random.below(4)),
          ]); // prettier-ignore
          await tx.query('update gates set status = $2 where id = $1', [
            gates[random.below(gates.length)]?.id,
            gateStatuses[random.below(5)],
          ]);
          if (random.below(3) === 0) throw gaveUp;
        })
        .catch((e: unknown) => {
          if (e !== gaveUp) throw e;
        });
      await house.ticket({ status: 'new' });
    }
  };
  await Promise.all([1, 2, 3, 4, 5, 6].map(writer));
  const differ = await house.owner.query(
    `(select tenant_id, number >> 15, status, priority_rank(priority), provider, run_id is not null, count(*) from tickets group by 1, 2, 3, 4, 5, 6
      except select tenant_id, block, status, priority, provider, assigned, sum(n) from ticket_tallies group by 1, 2, 3, 4, 5, 6)
     union all
     (select tenant_id, block, status, priority, provider, assigned, sum(n) from ticket_tallies group by 1, 2, 3, 4, 5, 6 having sum(n) <> 0
      except select tenant_id, number >> 15, status, priority_rank(priority), provider, run_id is not null, count(*) from tickets group by 1, 2, 3, 4, 5, 6)`,
  );
  expect(differ.rows).toEqual([]);
  const gateDiffer = await house.owner.query(
    `(select tenant_id, number >> 15, status, count(*) from gates group by 1, 2, 3 except select tenant_id, block, status, sum(n) from gate_tallies group by 1, 2, 3)
     union all (select tenant_id, block, status, sum(n) from gate_tallies group by 1, 2, 3 having sum(n) <> 0
       except select tenant_id, number >> 15, status, count(*) from gates group by 1, 2, 3)`,
  );
  expect(gateDiffer.rows).toEqual([]);
  const { rows } = await house.owner.query<{ most: number }>(
    'select max(rows) as most from (select count(*) as rows from ticket_tallies group by tenant_id, block, status, priority, provider, assigned) c',
  );
  expect(rows[0]?.most).toBeLessThanOrEqual(8); // no more rows of a cell than writers at once: the pool has eight connections
});
