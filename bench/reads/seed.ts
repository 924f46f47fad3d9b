import type { Client } from 'pg';
import { gateStatuses } from '../../domain/gate';
import { ticketStatuses } from '../../domain/ticket';

/** What was made, and what a question about it can name. */
export interface Seeded {
  firstTicket: number;
  agentIds: string[];
  tools: string[];
}

const tools = ['logs.profile', 'logs.search', 'logs.errors', 'knowledge.search', 'tickets.related', 'tickets.note'];
const agents = 10;
const list = (values: readonly string[]): string => `array[${values.map((v) => `'${v}'`).join(', ')}]`;
const pick = (values: readonly string[], by: string): string => `(${list(values)})[1 + (${by}) % ${values.length}]`;

/** Words that tickets share, each in one of twenty, and one that each has to itself. */
const words = [
  'login', 'vpn', 'printer', 'disk', 'queue', 'backup', 'certificate', 'latency', 'kernel', 'firewall',
  'mailbox', 'replica', 'sensor', 'license', 'tunnel', 'cluster', 'gateway', 'storage', 'account', 'browser',
]; // prettier-ignore

/**
 * That many tickets (each with a note), gates and log entries in `tenantId`, and one of fifty beside them in `other`, as
 * the owner and past the doors: the rows are as the doors would write them, the hashes have their form alone.
 */
export async function seedRows(owner: Client, tenantId: string, other: string, count: number): Promise<Seeded> {
  const query = (sql: string) => owner.query(sql);
  const who = `'{"id":null,"kind":"system","name":"seed"}'::jsonb`;
  const tenantOf = `case when i % 51 = 0 then '${other}'::uuid else '${tenantId}'::uuid end`;
  const all = Math.ceil((count * 51) / 50);
  await query(`set synchronous_commit = off; set session_replication_role = replica`);
  await query(`set app.tenant = '${tenantId}'`);
  const { rows: made } = await owner.query<{ id: string }>(
    `insert into agents (id, tenant_id, name, harness) select gen_random_uuid(), '${tenantId}', 'agent ' || i, 'embedded'
     from generate_series(1, ${agents}) i returning id`,
  );
  const agentIds = made.map((r) => r.id);
  await query(
    `insert into tickets (id, tenant_id, title, description, ticket_class, status, priority, assignee, created_by, created_at, updated_at)
     select gen_random_uuid(), ${tenantOf}, initcap(${pick(words, 'i')}) || ' trouble on host-' || i % 5000,
       'Since this morning ' || ${pick(words, 'i / 20')} || ' and ' || ${pick(words, 'i / 400')} || ' fail for user' || i,
       'Incident', ${pick(ticketStatuses, 'i * 7 / 5')}, (1 + i % 4)::text, case when i % 3 = 0 then 'user' || i % 200 end, ${who}, at, at
     from (select i, timestamptz '2026-01-01' + i * interval '10 seconds' as at from generate_series(1, ${all}) i) s`,
  );
  const { rows: first } = await owner.query<{ n: number }>(
    `select min(number)::int as n from tickets where tenant_id = '${tenantId}'`,
  );
  await query(
    `insert into ticket_notes (id, tenant_id, ticket_id, source, author, actor, body)
     select gen_random_uuid(), tenant_id, id, 'dashboard', 'dana', ${who}, 'Looked at it, see also the runbook.' from tickets`,
  );
  await query(
    `insert into gates (id, tenant_id, ticket_id, action, target, risk_level, approval_policy, status, requested_by, requested_at, expires_at, version)
     select gen_random_uuid(), tenant_id, id, 'restart', 'host-' || number % 5000, 'medium', '{}',
       ${pick(gateStatuses, 'number * 3 / 2')}, ${who}, created_at, created_at + interval '7 days', 1
     from tickets order by number`,
  );
  for (const tenant of [tenantId, other]) {
    const { rows } = await owner.query<{ seq: number; at: Date }>(
      `select seq::int, at from log where tenant_id = '${tenant}' order by seq desc limit 1`,
    );
    const last = rows[0]?.seq ?? 0;
    const rowCount = tenant === tenantId ? count : Math.ceil(count / 50);
    const h = (salt: string): string => `encode(sha256(('${salt}' || i)::bytea), 'hex')`;
    const ticket = `case when i % 4 = 0 then (('${tenant}'::uuid)) end`;
    await query(
      `insert into log select '${tenant}', ${last} + i, gen_random_uuid(),
         coalesce((select at from log where tenant_id = '${tenant}' and seq = ${last}), now() - interval '1 day') + i * interval '1 millisecond',
         case when i % 2 = 0 then 'execution.' || (array['allowed', 'denied'])[1 + (i / 2) % 2] else ${pick(['ticket.created', 'note.added', 'gate.requested', 'gate.approved', 'run.started'], 'i / 2')} end,
         ${who}, 'ticket', (i % 100000)::text, null, null, ${ticket}, null,
         case when i % 2 = 0 then (${list(agentIds)}::uuid[])[1 + (i / 2) % ${agents}] end,
         case when i % 2 = 0 then ${pick(tools, 'i / 2')} end,
         case when i % 2 = 0 and (i / 2) % 2 = 1 then 'deny' else 'allow' end, null, null, null,
         jsonb_build_object('ticket_id', i, 'note', 'as it was'), ${h('d')}, ${h('p')}, ${h('h')}, i % 16, ${h('q')}, ${h('e')}
       from generate_series(1, ${rowCount}) i`,
    );
    // Nothing of it is for a workflow.
    await query(
      `insert into cursors (tenant_id, reader, seq) values ('${tenant}', 'steering', ${last + rowCount})
       on conflict (tenant_id, reader) do update set seq = excluded.seq`,
    );
  }
  await query('select tally_afresh()');
  for (const tenant of [tenantId, other]) {
    await query(`set app.tenant = '${tenant}'`);
    await query('select tally_log()');
  }
  await query('reset synchronous_commit; reset session_replication_role');
  for (const table of ['tickets', 'ticket_notes', 'gates', 'log', 'ticket_tallies', 'gate_tallies', 'log_tallies'])
    await query(`vacuum (analyze) ${table}`);
  await query('checkpoint');
  return { firstTicket: first[0]?.n ?? 1, agentIds, tools };
}
