import type { Client } from 'pg';
import type { Read } from '../../db/read';

interface Plan {
  'Node Type': string;
  'Relation Name'?: string;
  'Actual Rows'?: number;
  'Actual Loops'?: number;
  'Rows Removed by Filter'?: number;
  Plans?: Plan[];
}
const nodes = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodes)];
const literal = (v: unknown): string =>
  v === null
    ? 'null'
    : Array.isArray(v)
      ? `array[${v.map(literal).join(', ')}]::text[]`
      : `'${(v as string | number).toString().replaceAll("'", "''")}'`;

/** With row-level security, and plans for any parameters. */
export async function asApplication(app: Client, tenantId: string): Promise<void> {
  await app.query(`set role wheelhouse_app`);
  await app.query(`set app.tenant = '${tenantId}'`);
  await app.query('set plan_cache_mode = force_generic_plan; set max_parallel_workers_per_gather = 0');
}

/** Carries out, and collects what plans look at in tables that are `large`: scans of all of one, and how many rows. */
export function explaining(
  app: Client,
  tenantId: string,
  large: readonly string[],
): { tx: Read; looks: string[]; rows: () => number } {
  const looks: string[] = [];
  let rows = 0;
  let turn: Promise<unknown> = Promise.resolve();
  const explain = async (sql: string, params: readonly unknown[]) => {
    await app.query(`deallocate all; prepare it as ${sql}`);
    const call = params.length ? `it(${params.map(literal).join(', ')})` : 'it';
    const { rows: answer } = await app.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
      `explain (analyze, format json, timing off) execute ${call}`,
    );
    for (const n of nodes(answer[0]?.['QUERY PLAN'][0].Plan ?? { 'Node Type': 'none' })) {
      if (!large.includes(n['Relation Name'] ?? '')) continue;
      if (/Seq Scan/.test(n['Node Type'])) looks.push(`${n['Node Type']} on ${n['Relation Name']}: ${sql}`);
      rows += ((n['Actual Rows'] ?? 0) + (n['Rows Removed by Filter'] ?? 0)) * (n['Actual Loops'] ?? 1);
    }
  };
  const tx: Read = {
    tenantId,
    copy: () => Promise.reject(new Error('no plan of a copy')),
    query: (sql, params = []) => {
      const answer = turn.then(() => explain(sql, params)).then(() => app.query(sql, [...params]));
      turn = answer.catch(() => undefined);
      return answer as never;
    },
  };
  return { tx, looks, rows: () => rows };
}
