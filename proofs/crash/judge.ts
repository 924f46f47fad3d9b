import { loadKeyring } from '../../log/keys';
import { createStore } from '../../log/store';
import { verifyLog } from '../../log/verify';
import { appPool } from '../../db/pool';
import { workflowId } from '../../workflows/ids';
import type { Cluster } from '../cluster/cluster';
import type { Acknowledged } from './caller';

/** What people were told, held against the rows. */
async function lost(c: Cluster, acknowledged: readonly Acknowledged[]): Promise<string[]> {
  const db = await c.owner();
  const runs = new Map((await db.query<{ number: number; status: string }>('select number, status from runs')).rows.map((r) => [r.number, r.status])); // prettier-ignore
  const gates = new Map((await db.query<{ number: number; status: string }>('select number, status from gates')).rows.map((r) => [r.number, r.status])); // prettier-ignore
  const notes = new Set((await db.query<{ number: number }>('select number from ticket_notes')).rows.map((r) => r.number)); // prettier-ignore
  const stands: Record<string, readonly string[]> = {
    approved: ['approved', 'completed', 'expired'],
    rejected: ['rejected'],
    completed: ['completed'],
  };
  return acknowledged.flatMap(({ path, status, body }) => {
    if (status >= 300) return [];
    const said = `${path} ${JSON.stringify(body)}`;
    const { agent_id: agent, change_id: change, note_id: note, status: told } = body;
    if (path.endsWith('/assign-agent') && !runs.has(Number(agent))) return [`acknowledged run lost: ${said}`];
    if (path.endsWith('/notes') && !notes.has(Number(note ?? body['id']))) return [`acknowledged note lost: ${said}`];
    if (change === undefined) return [];
    const gate = gates.get(Number(change));
    if (gate === undefined) return [`acknowledged change lost: ${said}`];
    const may = stands[String(told)];
    return may && !may.includes(gate) ? [`acknowledged decision lost: ${said}, the row says ${gate}`] : [];
  });
}

/** One effect a key, one key a step, and a recorded step for each effect. */
async function effects(c: Cluster): Promise<string[]> {
  const lines = c.sink.lines();
  const found: string[] = [];
  const keys = new Map<string, string>();
  const applied = new Set<string>();
  for (const l of lines) {
    const place = `${l.run}:${l.step}`;
    if (l.outcome === 'conflict') found.push(`key ${l.key} came with other content`);
    if (l.outcome === 'applied' && applied.has(place)) found.push(`step ${place} had its effect twice`);
    if (l.outcome === 'applied') applied.add(place);
    if ((keys.get(place) ?? l.key) !== l.key) found.push(`step ${place} has two keys`);
    keys.set(place, l.key);
  }
  const { rows } = await (
    await c.owner()
  ).query<{ place: string }>(
    `select owner_id || ':' || step as place from executions where tool like 'effect.%' and decision in ('allow', 'monitor')`,
  );
  const recorded = new Set(rows.map((r) => r.place));
  for (const place of recorded) if (!applied.has(place)) found.push(`step ${place} is recorded without an effect`);
  for (const place of applied) if (!recorded.has(place)) found.push(`the effect of step ${place} is not recorded`);
  return found;
}

/** Every row beside what its workflow says: status and version. */
async function rowsAndWorkflows(c: Cluster): Promise<string[]> {
  const db = await c.owner();
  const temporal = await c.temporal();
  const found: string[] = [];
  for (const [kind, table] of [
    ['agentRun', 'runs'],
    ['approvalGate', 'gates'],
  ] as const) {
    const { rows } = await db.query<{ id: string; tenant: string; status: string; version: number }>(
      `select id, tenant_id as tenant, status, version from ${table}`,
    ); // prettier-ignore
    for (const row of rows) {
      const state = await temporal.workflow
        .getHandle(workflowId(kind, row.tenant, row.id))
        .query<{ status: string; version: number }>('state');
      if (state.status !== row.status || state.version !== row.version)
        found.push(`${kind} ${row.id}: row ${row.status} v${row.version}, workflow ${state.status} v${state.version}`);
    }
  }
  return found;
}

async function logs(c: Cluster): Promise<string[]> {
  const pool = appPool(c.databaseUrl, 2, () => undefined);
  try {
    const keyring = await loadKeyring(pool, c.masterKey);
    const { errorCount, violations } = await createStore(pool, keyring).read(c.tenantId, (tx) =>
      verifyLog(tx, keyring),
    );
    return errorCount ? [`the log has ${errorCount} errors: ${JSON.stringify(violations[0])}`] : [];
  } finally {
    await pool.end();
  }
}

/** Compares client, sink, Postgres and Temporal once nothing moves. */
export async function judge(c: Cluster, acknowledged: readonly Acknowledged[]): Promise<string[]> {
  return [...(await lost(c, acknowledged)), ...(await effects(c)), ...(await rowsAndWorkflows(c)), ...(await logs(c))];
}
