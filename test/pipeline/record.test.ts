import { v5 } from 'uuid';
import type { Run } from '../../domain/run';
import { createRecorder, doneOf, type Done } from '../../pipeline/record';
import { openHouse, type House } from '../house';
import { callOf } from './tools/context';

let house: House;
beforeAll(async () => {
  house = await openHouse();
});
afterAll(() => house.close());

const runsOf = async (n: number): Promise<Run[]> => {
  const runs: Run[] = [];
  for (let i = 0; i < n; i += 1) runs.push(await house.run(await house.ticket()));
  return runs;
};
const doneAt = (run: Run, step: number, why: string | null = null): Done =>
  doneOf({ ...callOf(run, 'vault.check', {}, step), why }, Date.now(), {
    decision: 'allow', risk: 0, findings: ['one, two'], reasons: [], stages: [], error: null, result: { b: 1, a: [null, 'x'] },
  }); // prettier-ignore

interface Written {
  owner_id: string;
  step: number;
  ledger: string;
  entry: string | null;
  receipt: string | null;
  result: unknown;
  findings: string[];
}
/** Which transaction wrote each part of a run's steps. */
const written = async (runs: readonly Run[]): Promise<Written[]> => {
  const { rows } = await house.owner.query<Written>(
    `select e.owner_id, e.step, e.xmin::text as ledger, l.xmin::text as entry, r.xmin::text as receipt, e.result, e.findings
     from executions e left join log l on l.id = e.id left join receipts r on r.entry_id = e.id
     where e.owner_id = any($1) order by e.owner_id, e.step`,
    [runs.map((r) => r.id)],
  );
  return rows;
};

test('steps done at once share transactions, each with its row, count, entry and receipt in one', async () => {
  const runs = await runsOf(12);
  const record = createRecorder(house.store);
  const recorded = await Promise.all(runs.map((run) => record(doneAt(run, 0))));
  expect(recorded.map((r) => r?.counted)).toEqual(runs.map(() => ({ steps: 1, progress: 5, said: false })));
  const rows = await written(runs);
  expect(rows).toHaveLength(runs.length);
  for (const row of rows) {
    expect([row.entry, row.receipt]).toEqual([row.ledger, row.ledger]);
    expect(row).toMatchObject({ result: { b: 1, a: [null, 'x'] }, findings: ['one, two'] });
  }
  expect(new Set(rows.map((r) => r.ledger)).size).toBe(1);
});

test('one that cannot be written fails alone; a step that is taken says so, and has one row and one entry', async () => {
  const runs = await runsOf(4);
  const [a, b, c, d] = runs as [Run, Run, Run, Run];
  const record = createRecorder(house.store);
  await record(doneAt(d, 0));
  const [first, bad, second, third, again] = await Promise.allSettled([
    record(doneAt(a, 0)),
    record(doneAt(b, 0, 'no row holds \u0000')),
    record(doneAt(c, 0)),
    record(doneAt(c, 0)),
    record(doneAt(d, 0)),
  ]);
  expect(bad.status).toBe('rejected');
  expect(first).toMatchObject({ value: { counted: { steps: 1 } } });
  expect(second).toMatchObject({ value: { execution: { step: 0 } } });
  expect([third, again]).toEqual([{ status: 'fulfilled', value: null }, { status: 'fulfilled', value: null }]); // prettier-ignore
  expect((await written(runs)).map((r) => r.owner_id).sort()).toEqual([a.id, c.id, d.id].sort());
  const { rows } = await house.owner.query(`select 1 from log where run_id = any($1)`, [runs.map((r) => r.id)]);
  expect(rows).toHaveLength(3);
});

test('a run that has ended counts no more, and what people said is told with the count', async () => {
  const [over, told] = (await runsOf(2)) as [Run, Run];
  await house.owner.query('update runs set finished_at = now() where id = $1', [over.id]);
  await house.owner.query(
    `insert into steering_events (id, tenant_id, run_id, ticket_id, source, author, body, status)
     values ($1, $2, $3, $4, 'note', 'ann', 'look there', 'pending')`,
    [v5('said', told.id), house.tenantId, told.id, told.ticketId],
  );
  const record = createRecorder(house.store);
  const recorded = await Promise.all([record(doneAt(over, 0)), record(doneAt(told, 0))]);
  expect(recorded.map((r) => r?.counted)).toEqual([null, { steps: 1, progress: 5, said: true }]);
});
