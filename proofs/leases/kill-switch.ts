import { promptOf } from '../cluster/plan';
import { until } from '../until';
import type { World } from './world';

const graceMs = 1_000;
const agents = 6;

/** Agents at work on both workers, until their tenant's kill switch is engaged. */
export async function killSwitch({ c, calls, db }: World) {
  const { tenantId, token } = await c.tenant();
  const post = async (path: string, body: object): Promise<Record<string, unknown>> => {
    const { status, body: said } = await calls.post(path, token, body);
    if (status >= 300) throw new Error(`${path} ${status} ${JSON.stringify(said)}`);
    return said;
  };
  const numbers = await Promise.all(
    Array.from({ length: agents }, async (_, i) => {
      const ticket = Number((await post('/api/tickets', { title: `work ${i}`, auto_assign: false }))['id']);
      const prompt = promptOf({ effects: 5_000 });
      return Number((await post(`/api/tickets/${ticket}/assign-agent`, { prompt }))['agent_id']);
    }),
  );
  const effects = () => c.sink.lines().filter((l) => l.tenant === tenantId && l.outcome === 'applied');
  await until('every agent to have had an effect', async () => {
    return (await Promise.resolve(new Set(effects().map((l) => l.run)))).size === agents ? true : null;
  });
  await post(`/decision/kill-switch/${tenantId}`, { reason: 'the proof' });
  const engaged = Date.now();
  const refused = async (after: number): Promise<true | null> => {
    const { rows } = await db.query<{ n: number }>(
      `select count(distinct subject_id)::int as n from (
         select split_part(subject_id, ':', 1) as subject_id from log
         where tenant_id = $1 and kind = 'execution.kill' and at > to_timestamp($2::float8 / 1000)) k`,
      [tenantId, after],
    );
    return rows[0]?.n === agents ? true : null;
  };
  await until('every agent to be refused after a second', () => refused(engaged + graceMs));
  await Promise.all(numbers.map((n) => post(`/api/agents/${n}/stop`, { reason: 'over' })));
  const after = effects().map((l) => l.at - engaged).filter((ms) => ms > 0); // prettier-ignore
  return { lastMs: Math.max(0, ...after), late: after.filter((ms) => ms > graceMs).length };
}
