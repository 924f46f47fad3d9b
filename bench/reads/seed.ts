import { Client } from 'pg';
import { v7 } from 'uuid';
import { gateStatuses } from '../../domain/gate';
import { ticketStatuses } from '../../domain/ticket';
import { filled } from './bulk';

/** What was made, and what a question about it can name. */
export interface Seeded {
  firstTicket: number;
  agentIds: string[];
  tools: string[];
}

const tools = ['logs.profile', 'logs.search', 'logs.errors', 'knowledge.search', 'tickets.related', 'tickets.note'];
const kinds = ['ticket.created', 'note.added', 'gate.requested', 'gate.approved', 'run.started'];
const agents = 10;
/** Tenants beside the large one, which together have one row of fifty. */
const others = 4;
const list = (values: readonly string[]): string => `array[${values.map((v) => `'${v}'`).join(', ')}]`;
const pick = (values: readonly string[], by: string): string => `(${list(values)})[1 + (${by}) % ${values.length}]`;
const who = `'{"id":null,"kind":"system","name":"seed"}'::jsonb`;

/** Words that tickets share, each in one of twenty, and one that each has to itself. */
const words = [
  'login', 'vpn', 'printer', 'disk', 'queue', 'backup', 'certificate', 'latency', 'kernel', 'firewall',
  'mailbox', 'replica', 'sensor', 'license', 'tunnel', 'cluster', 'gateway', 'storage', 'account', 'browser',
]; // prettier-ignore

/** Ids that grow, as those of the doors do; every table has its own, and whatever points there can say them. */
const idOf = (table: number, i: string): string =>
  `('0199${table.toString().padStart(4, '0')}-0000-7000-8000-' || lpad(to_hex(${i}), 12, '0'))::uuid`;
const [ticketId, noteId, gateId] = [1, 2, 3].map((table) => idOf(table, 'i')) as [string, string, string];

/**
 * That many tickets (each with a note and a gate) and log entries in `tenantId`, and one of fifty beside them in smaller
 * tenants, as the owner and past the doors: the rows are as the doors would write them, the hashes have their form alone.
 */
export async function seedRows(url: string, tenantId: string, count: number): Promise<Seeded> {
  const tenants = Array.from({ length: others }, () => v7());
  const tenantOf = `case when i % 51 = 0 then (${list(tenants)}::uuid[])[1 + (i / 51) % ${others}] else '${tenantId}'::uuid end`;
  const all = Math.ceil((count * 51) / 50);
  const rows = `from (select i, ${tenantOf} as tenant, timestamptz '2026-01-01' + i * interval '10 seconds' as at from generate_series(1, ${all}) i) s`;
  const agentIds = Array.from({ length: agents }, () => v7());
  const first = await asOwner(url, async (owner) => {
    for (const [i, id] of tenants.entries())
      await owner.query('insert into tenants (id, slug, name) values ($1, $2, $2)', [id, `beside-${i}`]);
    for (const [i, id] of agentIds.entries())
      await owner.query(`insert into agents (id, tenant_id, name, harness) values ($1, $2, $3, 'embedded')`, [
        id, tenantId, `agent ${i}`,
      ]); // prettier-ignore
    const { rows: last } = await owner.query<{ n: number }>('select coalesce(max(number), 0)::int as n from tickets');
    return (last[0]?.n ?? 0) + 1;
  });

  const tickets = async (owner: Client): Promise<void> => {
    await filled(owner, 'tickets', () =>
      owner.query(
        `insert into tickets (id, tenant_id, title, description, ticket_class, status, priority, assignee, created_by, created_at, updated_at)
         select ${ticketId}, tenant, initcap(${pick(words, 'i')}) || ' trouble on host-' || i % 5000,
           'Since this morning ' || ${pick(words, 'i / 20')} || ' and ' || ${pick(words, 'i / 400')} || ' fail for user' || i,
           'Incident', ${pick(ticketStatuses, 'i * 7 / 5')}, (1 + i % 4)::text, case when i % 3 = 0 then 'user' || i % 200 end, ${who}, at, at
         ${rows}`,
      ),
    );
    await filled(owner, 'ticket_terms', () =>
      owner.query(
        `insert into ticket_terms select distinct tenant_id, term, number
         from tickets, unnest(string_to_array(translate(lower(title || ' ' || description), '-', ' '), ' ')) term where length(term) > 2`,
      ),
    );
    // Faster than what the trigger asks, and no other words.
    const { rowCount: unlike } = await owner.query(
      `select from tickets t where t.number % 9973 = 0 and
         (select array_agg(w order by w) from unnest(telling_terms(title || ' ' || description)) w) is distinct from
         (select array_agg(term order by term) from ticket_terms where number = t.number and tenant_id = t.tenant_id and
            term = any (string_to_array(translate(lower(title || ' ' || description), '-', ' '), ' ')))`,
    );
    if (unlike) throw new Error(`${unlike} tickets are not found by the words that they hold`);
  };
  const gates = async (owner: Client): Promise<void> => {
    await filled(owner, 'ticket_notes', () =>
      owner.query(
        `insert into ticket_notes (id, tenant_id, ticket_id, source, author, actor, body)
         select ${noteId}, tenant, ${ticketId}, 'dashboard', 'dana', ${who}, 'Looked at it, see also the runbook.' ${rows}`,
      ),
    );
    await filled(owner, 'gates', () =>
      owner.query(
        `insert into gates (id, tenant_id, ticket_id, action, target, risk_level, approval_policy, status, requested_by, requested_at, expires_at, version)
         select ${gateId}, tenant, ${ticketId}, 'restart', 'host-' || i % 5000, 'medium', '{}',
           ${pick(gateStatuses, 'i * 3 / 2')}, ${who}, at, at + interval '7 days', 1 ${rows}`,
      ),
    );
  };
  const log = (owner: Client): Promise<void> =>
    filled(owner, 'log', async () => {
      for (const tenant of [tenantId, ...tenants])
        await entries(owner, tenant, tenant === tenantId ? count : Math.ceil(count / 50 / others), agentIds);
    });
  await Promise.all([tickets, log, gates].map((work) => asOwner(url, work)));
  await asOwner(url, async (owner) => {
    await owner.query('select tally_afresh()');
    for (const tenant of [tenantId, ...tenants]) {
      await owner.query(`set app.tenant = '${tenant}'`);
      await owner.query('select tally_log()');
    }
    for (const table of ['ticket_tallies', 'ticket_totals', 'gate_tallies', 'log_tallies'])
      await owner.query(`vacuum (analyze) ${table}`);
    await owner.query('checkpoint');
  });
  return { firstTicket: first, agentIds, tools };
}

/** A connection for much at once: no triggers, nothing that waits for the disk, memory to sort in. */
async function asOwner<T>(url: string, work: (owner: Client) => Promise<T>): Promise<T> {
  const options = `-c synchronous_commit=off -c session_replication_role=replica -c maintenance_work_mem=512MB`;
  const owner = new Client({ connectionString: url, options });
  await owner.connect();
  try {
    return await work(owner);
  } finally {
    await owner.end();
  }
}

/** Entries of one tenant after those it has, every second a governed call. */
async function entries(owner: Client, tenant: string, count: number, agentIds: string[]): Promise<void> {
  const { rows } = await owner.query<{ seq: number }>(
    `select coalesce(max(seq), 0)::int as seq from log where tenant_id = $1`,
    [tenant],
  );
  const last = rows[0]?.seq ?? 0;
  const from = `coalesce((select at from log where tenant_id = '${tenant}' and seq = ${last}), now() - interval '1 day')`;
  // One digest an entry, turned, serves for all that an entry has.
  const turned = (by: number): string => `right(digest, ${64 - by}) || left(digest, ${by})`;
  await owner.query(
    `insert into log (tenant_id, seq, id, at, kind, actor, subject_kind, subject_id, ticket_id, agent_id, tool, decision, body,
       digest, prev_hash, hash, chain_shard, event_prev, event_hash)
     select '${tenant}', ${last} + i, ${idOf(4, `${last} + i`)}, start + i * interval '1 millisecond',
       case when call then 'execution.' || ${pick(['allowed', 'denied'], 'i / 2')} else ${pick(kinds, 'i / 2')} end,
       ${who}, 'ticket', (i % 100000)::text, case when i % 4 = 0 then ${ticketId} end,
       case when call then (${list(agentIds)}::uuid[])[1 + (i / 2) % ${agents}] end, case when call then ${pick(tools, 'i / 2')} end,
       case when call and (i / 2) % 2 = 1 then 'deny' else 'allow' end, jsonb_build_object('ticket_id', i, 'note', 'as it was'),
       digest, ${turned(7)}, ${turned(17)}, i % 16, ${turned(31)}, ${turned(43)}
     from (select i, i % 2 = 0 as call, ${from} as start, encode(sha256(i::text::bytea), 'hex') as digest from generate_series(1, ${count}) i) s`,
  );
  // Nothing of it is for a workflow.
  await owner.query(
    `insert into cursors (tenant_id, reader, seq) values ($1, 'steering', $2)
     on conflict (tenant_id, reader) do update set seq = excluded.seq`,
    [tenant, last + count],
  );
}
