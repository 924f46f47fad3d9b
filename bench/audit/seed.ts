import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { v7 } from 'uuid';
import { filled } from '../reads/bulk';

const agents = 20;
const list = (values: readonly string[]): string => `array[${values.map((v) => `'${v}'`).join(', ')}]`;
const pick = (values: readonly string[], by: string): string => `(${list(values)})[1 + (${by}) % ${values.length}]`;
const tools = [
  'logs.profile',
  'logs.search',
  'logs.errors',
  'knowledge.search',
  'tickets.related',
  'tickets.note',
  'web.get',
  'files.read',
];
const decisions = ['allow', 'allow', 'allow', 'allow', 'allow', 'allow', 'monitor', 'deny', 'escalate', 'kill'];
const findings = ['policy_deny', 'sql_injection_detected', 'external_get', 'schema_recon', 'ssrf_local_file'];

/**
 * So many entries after those that the tenant has, over the ninety days up to now, four of five of them governed calls: as the
 * log would have them, but for hashes that only have their form. All of them are in the cells when it is done; how long both took, in seconds.
 */
export async function seedCalls(
  url: string,
  tenantId: string,
  count: number,
): Promise<{ agentIds: string[]; loaded: number; tallied: number }> {
  const options = '-c synchronous_commit=off -c session_replication_role=replica -c maintenance_work_mem=512MB';
  const owner = new Client({ connectionString: url, options });
  await owner.connect();
  try {
    const agentIds = Array.from({ length: agents }, () => v7());
    for (const [i, id] of agentIds.entries())
      await owner.query(`insert into agents (id, tenant_id, name, harness) values ($1, $2, $3, 'embedded')`, [
        id, tenantId, `caller ${i}`,
      ]); // prettier-ignore
    const { rows } = await owner.query<{ seq: string }>(
      'select coalesce(max(seq), 0) as seq from log where tenant_id = $1',
      [tenantId],
    );
    const last = Number(rows[0]?.seq);
    const turned = (by: number): string => `right(digest, ${64 - by}) || left(digest, ${by})`;
    const from = performance.now();
    await filled(owner, 'log', () =>
      owner.query(
        `insert into log (tenant_id, seq, id, at, kind, actor, subject_kind, subject_id, agent_id, tool, decision, reason, request_id, body,
           digest, prev_hash, hash, chain_shard, event_prev, event_hash)
         select '${tenantId}', ${last} + i, ('01990000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid,
           now() - interval '90 days' + i * (interval '90 days' / ${count}),
           case when call then 'execution.' || decision else 'note.added' end, '{"id":null,"kind":"system","name":"seed"}', 'execution', i::text,
           case when call then (${list(agentIds)}::uuid[])[1 + (i * i / 7) % ${agents}] end, case when call then ${pick(tools, 'i / 3')} end,
           case when call then decision else 'allow' end, case when decision in ('deny', 'kill') then ${pick(['no_grant', 'missing_scope', 'run_fenced'], 'i / 11')} end,
           'bench:' || i,
           json_build_object('args_digest', digest, 'findings', case when i % 4 = 0 then array[${pick(findings, 'i / 4')}] else '{}' end,
             'gate_id', null, 'reasons', '[]'::json, 'risk_score', (i * 7919 % 101) / 100.0, 'step', i % 30, 'why', 'the errors began at 12:03'),
           digest, ${turned(7)}, ${turned(17)}, i % 16, ${turned(31)}, ${turned(43)}
         from (select i, i % 5 > 0 as call, ${pick(decisions, 'i / 2')} as decision, encode(sha256(i::text::bytea), 'hex') as digest
           from generate_series(1, ${count}::bigint) i) s`,
      ),
    );
    const loaded = (performance.now() - from) / 1000;
    await owner.query(`set app.tenant = '${tenantId}'`);
    const end = last + count;
    for (const [fold, stands] of [
      ['tally_log()', 'log_tallied()'],
      ['tally_calls(100000)', 'calls_tallied()'],
    ]) {
      // The worker may be at it: then this does nothing, and looks again.
      for (let at = 0; at < end - (end % 128);) {
        const { rows: n } = await owner.query<{ n: string }>(`select ${fold} as n`);
        if (Number(n[0]?.n) === 0) await delay(100);
        at = Number((await owner.query<{ at: string }>(`select ${stands} as at`)).rows[0]?.at);
      }
    }
    for (const table of [
      'call_days',
      'call_hours',
      'call_tool_hours',
      'call_risks',
      'call_words',
      'call_marks',
      'log_tallies',
    ])
      await owner.query(`vacuum (analyze) ${table}`);
    await owner.query('checkpoint');
    return { agentIds, loaded, tallied: (performance.now() - from) / 1000 - loaded };
  } finally {
    await owner.end();
  }
}
