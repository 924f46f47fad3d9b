import type { Pool } from 'pg';
import { v7 } from 'uuid';
import { auditExportHandlers } from '../../api/handlers/aegis/audit-export';
import { appPool } from '../../db/pool';
import { system } from '../../domain/principal';
import { loadKeyring } from '../../log/keys';
import { createStore, type Store } from '../../log/store';
import type { Call } from '../../pipeline/call';
import { createRecorder, doneOf, type Outcome } from '../../pipeline/record';
import { startServer, type Server } from '../harness';

// One entry and many: found by metadata, explained, spoken about, exported.

let server: Server;
let pool: Pool;
let store: Store;
let agentId: string;
const broken: Error[] = [];
const ids: Record<'allowed' | 'refused' | 'approved', string> = { allowed: '', refused: '', approved: '' };
const runId = v7();
const gateId = v7();

const stage = (name: string, ms: number, outcome = 'pass') => ({ stage: name, ms, outcome });
const all = ['kill_switch', 'auth', 'rate_limit', 'inference_proxy', 'policy', 'behavior', 'decision', 'autonomy'];
const through = [...all.map((s) => stage(s, 1)), stage('execution', 5, 'done'), stage('output_filter', 1)];

beforeAll(async () => {
  server = await startServer({}, { worker: false });
  const { masterKey, databaseUrl } = server.config;
  if (!masterKey || !databaseUrl) throw new Error('an installation without a key or a database');
  pool = appPool(databaseUrl, 4, (e) => broken.push(e));
  store = createStore(pool, await loadKeyring(pool, masterKey));
  const { rows } = await server.owner.query<{ id: string }>('select id from agents where tenant_id = $1', [
    server.tenantId,
  ]);
  agentId = rows[0]?.id ?? '';
  await server.owner.query(
    `insert into gates (id, tenant_id, action, target, risk_level, approval_policy, status, requested_by, requested_at, expires_at, version, decided_by, decided_at)
     values ($1, $2, 'restart', 'web-1', 'low', '{}', 'approved', $3, now(), now(), 2, '{"id":null,"kind":"user","name":"dana"}', now())`,
    [gateId, server.tenantId, JSON.stringify(system)],
  );
  const record = createRecorder(store);
  const call = (step: number, tool: string, gate: string | null): Call => ({
    tenantId: server.tenantId, actor: system, scopes: [], agentId, owner: { kind: 'run', id: runId, step }, ticketId: null, tool,
    args: { n: step }, why: 'to see', gateId: gate,
  }); // prettier-ignore
  const done = async (of: Call, outcome: Partial<Outcome>): Promise<string> => {
    const usual: Outcome = {
      decision: 'allow',
      risk: 0.1,
      findings: [],
      reasons: [],
      stages: through,
      error: null,
      result: {},
    };
    return (await record(doneOf(of, Date.now(), { ...usual, ...outcome })))?.execution.id ?? '';
  };
  ids.allowed = await done(call(1, '=cmd|calc', null), {});
  ids.refused = await done(call(2, 'logs.search', null), {
    decision: 'deny', risk: 0.75, findings: ['policy_deny', 'ssrf_local_file'], stages: [...all.slice(0, 4).map((s) => stage(s, 2)), stage('policy', 3, 'deny')],
    reasons: [{ code: 'no_grant', message: 'no grant allows logs.search' }, { code: 'risk_too_high', message: 'too risky' }],
  }); // prettier-ignore
  ids.approved = await done(call(3, 'web.restart', gateId), {});
}, 60_000);
afterAll(async () => {
  await pool.end();
  await server.close();
  expect(broken).toEqual([]);
});

describe('POST /audit/logs/search', () => {
  const search = async (body: unknown) => server.call('POST', '/audit/logs/search', body);

  test('by columns and by what the metadata holds', async () => {
    const { body } = await search({
      metadata_filter: { findings: ['ssrf_local_file'], reasons: [{ code: 'no_grant' }] },
    });
    expect(body.data).toMatchObject({
      total: 1,
      limit: 20,
      offset: 0,
      complete: true,
      items: [{ id: ids.refused, decision: 'deny' }],
    });
    const risky = await search({ metadata_filter: { risk_score: 0.1 }, agent_id: agentId, limit: 1, offset: 1 });
    expect([risky.body.data.total, risky.body.data.items.map((i: { id: string }) => i.id)]).toEqual([2, [ids.allowed]]);
    expect((await search({ tool: 'logs.search' })).body.data.items).toHaveLength(1);
    expect((await search({ metadata_filter: { risk_score: 0.1 }, end_date: '2020-01-01' })).body.data.total).toBe(0);
    expect((await search({ metadata_filter: {}, action: 'execute_tool' })).body.data.total).toBe(3);
    expect((await server.call('POST', '/v1/audit/logs/search', {})).body.data.total).toBeGreaterThan(2);
  });

  test('what Postgres has no text for is passed over', async () => {
    await store.write(server.tenantId, (tx) => {
      tx.log({
        kind: 'ticket.odd',
        actor: system,
        subject: { kind: 'ticket', id: v7() },
        body: { why: 'a\u0000b', odd: true },
      });
      return Promise.resolve();
    });
    expect((await search({ metadata_filter: { odd: true } })).body.data.total).toBe(0);
  });

  test.each<[string, unknown]>([
    ['limit', { limit: 101 }],
    ['limit', { limit: 0 }],
    ['offset', { offset: -1 }],
    ['agent_id', { agent_id: 'me' }],
    ['start_date', { start_date: 'soon' }],
    ['metadata_filter', { metadata_filter: [] }],
    ['metadata_filter', { metadata_filter: { long: 'x'.repeat(4_100) } }],
  ])('a wrong %s is 422', async (field, wrong) => {
    const { status, body } = await search(wrong);
    expect([status, body.error, body.meta.details[0].loc]).toEqual([422, 'Validation failed', ['body', field]]);
  });
});

describe('GET /audit/logs/{id}/explain', () => {
  const explain = async (id: string) => (await server.call('GET', `/audit/logs/${id}/explain`)).body.data;

  test('a refusal: where, why, and what was found; by its request id as well', async () => {
    const told = await explain(ids.refused);
    expect(told).toMatchObject({
      audit_id: ids.refused, request_id: `${runId}:2`, agent_id: agentId, action: 'execute_tool', tool: 'logs.search', decision: 'deny',
      risk_score: 0.75, findings: ['policy_deny', 'ssrf_local_file'],
      explanation:
        'logs.search was refused at the stage policy: no grant allows logs.search [no_grant] (and for risk_too_high); its risk was 0.75, found were policy_deny, ssrf_local_file.',
    }); // prettier-ignore
    expect(told.timeline.map((t: { step: string; outcome: string; duration_ms: number }) => [t.step, t.outcome, t.duration_ms])).toEqual([
      ['request', 'pass', 6], ['screening', 'pass', 2], ['policy', 'deny', 3], ['decision', 'skipped', 0], ['outcome', 'skipped', 0],
    ]); // prettier-ignore
    expect(told.signals.filter((s: { triggered: boolean }) => s.triggered)).toEqual([
      { finding: 'policy_deny', label: 'policy deny', triggered: true },
      { finding: 'ssrf_local_file', label: 'ssrf local file', triggered: true },
    ]);
    expect(await explain(encodeURIComponent(`${runId}:2`))).toEqual(told);
  });

  test('what passed, what was approved, and what was no call', async () => {
    expect((await explain(ids.allowed)).explanation).toBe(
      '=cmd|calc was allowed: nothing spoke against it; its risk was 0.1.',
    );
    expect((await explain(ids.approved)).explanation).toContain('it brought an approval that is approved, by dana');
    const { rows } = await server.owner.query<{ id: string }>(`select id from log where kind = 'ticket.odd'`);
    expect(await explain(rows[0]?.id ?? '')).toMatchObject({
      explanation: 'ticket_odd by wheelhouse was recorded with the decision allow.', timeline: [], risk_score: null,
    }); // prettier-ignore
  });
});

describe('/audit/logs/{id}/notes', () => {
  test('people who may say something, and it stays', async () => {
    const [analyst, reader] = [await server.user('SECURITY_ANALYST'), await server.user('READ_ONLY')];
    const at = `/audit/logs/${ids.refused}/notes`;
    const first = await server.as(analyst.token)('POST', at, {
      note_type: 'false_positive',
      body: 'a test',
      created_by: 'root',
    });
    expect([first.status, first.body.data]).toMatchObject([
      201,
      { audit_id: ids.refused, note_type: 'false_positive', body: 'a test', created_by: analyst.email },
    ]);
    await server.call('POST', at, { note_type: 'escalated', body: 'after all' }, { 'idempotency-key': 'one' });
    await server.call('POST', at, { note_type: 'escalated', body: 'after all' }, { 'idempotency-key': 'one' });
    const { body } = await server.as(reader.token)('GET', at);
    expect(body.data.map((n: { body: string }) => n.body)).toEqual(['a test', 'after all']);
    expect((await server.as(reader.token)('POST', at, { body: 'mine' })).status).toBe(403);
    for (const [field, wrong] of [
      ['note_type', { note_type: 'praise', body: 'x' }],
      ['body', { body: ' ' }],
    ] as const) {
      const refused = await server.call('POST', at, wrong);
      expect([refused.status, refused.body.meta.details[0].loc]).toEqual([422, ['body', field]]);
    }
    await expect(server.owner.query(`update audit_notes set body = 'nothing'`)).rejects.toThrow('append-only');
    const { rows } = await server.owner.query(
      `select subject_id, body from log where kind = 'audit.note_added' order by seq`,
    );
    expect(rows).toMatchObject([
      { subject_id: ids.refused, body: { note_type: 'false_positive', note_id: first.body.data.id } },
      { body: { note_type: 'escalated' } },
    ]);
  });
});

describe('/audit/export', () => {
  const lines = (text: string) =>
    text
      .trimEnd()
      .split('\n')
      .map((l) => JSON.parse(l) as Record<string, unknown>);
  const rows = async () =>
    (await server.call('GET', '/audit/logs?limit=1000')).body.data.items as Record<string, unknown>[];

  test('GET: a line of JSON for each entry, newest first, and on from where one stopped', async () => {
    const { status, headers, text } = await server.call('GET', '/v1/audit/export');
    expect([status, headers.get('content-type'), headers.get('x-acp-chain-format')]).toEqual([
      200,
      expect.stringMatching(/^application\/x-ndjson/),
      'ndjson-v1',
    ]);
    const exported = lines(text);
    expect(exported).toEqual(
      (await rows()).map(({ metadata_json, seq: _s, hash_version: _h, actor: _a, ...row }) => ({
        ...row,
        billing_status: null,
        metadata: metadata_json,
      })),
    );
    const part = lines((await server.call('GET', '/audit/export?limit=3')).text);
    expect(part).toEqual(exported.slice(0, 3));
    const until = encodeURIComponent(String(part[2]?.['timestamp']));
    expect(lines((await server.call('GET', `/audit/export?until=${until}`)).text)).toEqual(exported.slice(2));
    expect(lines((await server.call('GET', `/audit/export?since=${until}`)).text)).toEqual(exported.slice(0, 3));
    expect(lines((await server.call('GET', `/audit/export?agent_id=${agentId}`)).text)).toEqual(
      exported.filter((r) => r['agent_id'] === agentId),
    );
    expect(lines((await server.call('GET', '/audit/export?chain_shard=0')).text)).toEqual(
      exported.filter((r) => r['chain_shard'] === 0),
    );
    expect((await server.call('GET', '/audit/export?until=2020-01-01')).text).toBe('');
  });

  test('CSV by format and by Accept, in which no cell is a formula', async () => {
    const byFormat = await server.call('GET', `/audit/export?format=csv&agent_id=${agentId}`);
    const byAccept = await server.call('GET', `/audit/export?agent_id=${agentId}`, undefined, { accept: 'text/csv' });
    expect(byFormat.headers.get('content-type')).toMatch(/^text\/csv/);
    expect(byFormat.text).toBe(byAccept.text);
    const [head, ...records] = byFormat.text.trimEnd().split('\n');
    expect(head).toBe(
      'id,timestamp,tenant_id,agent_id,action,tool,decision,reason,request_id,event_hash,billing_status,risk_score',
    );
    expect(records.find((r) => r.startsWith(ids.allowed))).toContain(`,execute_tool,'=cmd|calc,allow,`);
    expect(records.find((r) => r.startsWith(ids.refused))).toMatch(/,0\.75$/);
  });

  test('POST: files of three kinds', async () => {
    const made = (body: unknown) => server.call('POST', '/audit/export', body);
    const csv = await made({ action: 'execute_tool', limit: 2 });
    expect(csv.headers.get('content-disposition')).toMatch(/^attachment; filename="audit-\d{4}-\d\d-\d\d\.csv"$/);
    expect(csv.text.trimEnd().split('\n')).toHaveLength(3);
    const json = await made({ format: 'json', agent_id: agentId });
    expect(json.body.map((r: { agent_id: string }) => r.agent_id)).toEqual(
      lines((await server.call('GET', `/audit/export?agent_id=${agentId}`)).text).map(() => agentId),
    );
    expect((await made({ format: 'json', end_date: '2020-01-01' })).body).toEqual([]);
    const pdf = await made({ format: 'pdf' });
    expect([pdf.headers.get('content-type'), pdf.text.slice(0, 5), pdf.text.trimEnd().slice(-5)]).toEqual([
      'application/pdf',
      '%PDF-',
      '%%EOF',
    ]);
  });

  test.each<[string, unknown]>([
    ['limit', { limit: 10_001 }],
    ['limit', { format: 'pdf', limit: 2_001 }],
    ['format', { format: 'xml' }],
    ['start_date', { start_date: 'soon' }],
  ])('a wrong %s is 422', async (field, wrong) => {
    const { status, body } = await server.call('POST', '/audit/export', wrong);
    expect([status, body.meta.details[0].loc]).toEqual([422, ['body', field]]);
  });
  test.each(['limit=100001', 'chain_shard=16', 'since=soon', 'format=pdf'])('GET ?%s is 422', async (query) => {
    const { status, body } = await server.call('GET', `/audit/export?${query}`);
    expect([status, body.meta.details[0].loc]).toEqual([422, ['query', query.split('=')[0]]]);
  });

  test('no more is read than somebody takes, and nothing once they have gone', async () => {
    await server.owner.query(
      `insert into log (tenant_id, seq, id, at, kind, actor, subject_kind, subject_id, decision, body, digest, prev_hash, hash, chain_shard, event_prev, event_hash)
       select $1, last.seq + i, gen_random_uuid(), last.at + i * interval '1 microsecond', 'note.added', '{}', 'note', '', 'allow', '{}', '', '', '', 0, '', ''
       from generate_series(1, 20000) i, (select seq, at from log where tenant_id = $1 order by seq desc limit 1) last`,
      [server.tenantId],
    );
    let reads = 0;
    const ctx = { headers: {}, read: (work: never) => ((reads += 1), store.read(server.tenantId, work)) };
    const { body } = await auditExportHandlers.exportAuditLogs(
      { params: undefined, query: { limit: 100_000 }, body: undefined },
      ctx as never,
    );
    if (typeof body === 'string' || Buffer.isBuffer(body) || typeof body === 'function') throw new Error('no stream');
    let taken = 0;
    for await (const piece of body as AsyncIterable<string>) {
      taken += piece.split('\n').length - 1;
      if (taken >= 2_000) break; // which ends the stream
    }
    expect([taken, reads]).toEqual([2_000, expect.any(Number)]);
    expect(reads).toBeLessThan(8); // the bounds, four batches, and what is read ahead
    const then = reads;
    await store.read(server.tenantId, (tx) => tx.query('select 1'));
    expect(reads).toBe(then);
  });
});
