import { once } from 'node:events';
import { Client } from 'pg';
import { startServer, until, type Server } from '../harness';
import { ticketWithLog } from '../api/working';
import { kill, workerProcess } from '../worker-process';

let s: Server;
beforeAll(async () => void (s = await startServer({}, { worker: false })));
afterAll(() => s.close());

/** A postmortem that people approved, with two skills to make. */
async function approved(title: string): Promise<{ id: number; ticket: number }> {
  const ticket = await ticketWithLog(s, { title, auto_assign: false });
  const written = await s.call('POST', '/api/postmortems', {
    ticket_id: ticket, status: 'ready_for_review', summary: `${title} again`, workflow_proposal: '1. Look.', skill_proposals: ['Count them', 'Name them'],
  }); // prettier-ignore
  await s.call('POST', `/api/postmortems/${written.body.id}/review`, { approved: true });
  return { id: written.body.id as number, ticket };
}

const made = async (of: { id: number; ticket: number }) => {
  const { rows } = await s.owner.query<Record<string, number>>(
    `select (select count(*) from articles where $1 = any(tags))::int as articles,
       (select count(*) from skills where name like $2)::int as skills,
       (select count(*) from blueprints where approval_policy -> 'postmortem_ids' @> to_jsonb($3::int))::int as blueprints,
       (select count(*) from ticket_notes n join tickets t on t.id = n.ticket_id where t.number = $4 and n.source = 'postmortem')::int as notes,
       (select count(*) from log where (body ->> 'postmortem_id')::int = $3
          and kind in ('article.created', 'skill.created', 'blueprint.created', 'postmortem.promoted'))::int as entries`,
    [`postmortem:${of.id}`, `postmortem-${of.id}-%`, of.id, of.ticket],
  );
  return rows[0];
};
const whole = { articles: 1, skills: 2, blueprints: 1, notes: 1, entries: 5 };
const words = {
  articles: 'Lamps flicker',
  skills: 'Doors creak',
  blueprints: 'Pumps leak',
  ticket_notes: 'Bells ring',
};

/** Holds whoever writes to the table until `work` is done, and the worker is gone. */
async function inTheMidstOf(table: string, work: () => Promise<void>): Promise<void> {
  const holder = new Client({ connectionString: s.config.databaseUrl ?? '' });
  await holder.connect();
  await holder.query('begin');
  await holder.query(`lock table ${table} in share mode`);
  try {
    await work();
  } finally {
    await holder.query('rollback');
    await holder.end();
  }
}

test.each(Object.entries(words))(
  'a worker killed while it writes %s: the promotion is whole, and nothing is there twice',
  async (table, title) => {
    const it = await approved(title);
    const first = await workerProcess(s);
    const key = { 'idempotency-key': `promote-${it.id}` };
    let answer: Promise<unknown> = Promise.resolve();
    await inTheMidstOf(table, async () => {
      answer = s.call('POST', `/api/postmortems/${it.id}/promote`, {}, key);
      await until(async () => {
        const { rows } = await s.owner.query(
          'select 1 from pg_locks where relation = $1::regclass and not granted', [table]); // prettier-ignore
        return rows.length > 0;
      }, `somebody to wait for ${table}`);
      await kill(first);
    });
    const second = await workerProcess(s);
    await answer;
    const done = await until(
      async () => {
        const again = await s.call('POST', `/api/postmortems/${it.id}/promote`, {}, key);
        return again.status === 200 ? again.body : null;
      },
      'the promotion to be answered',
      60_000,
    );
    expect(done).toMatchObject({
      status: 'promoted',
      knowledge_action: 'created',
      workflow_action: 'created',
      skill_ids: [expect.any(Number), expect.any(Number)],
    });
    expect(await made(it)).toEqual(whole);
    expect((await s.call('GET', `/api/postmortems/${it.id}`)).body.status).toBe('promoted');
    second.kill('SIGTERM');
    await once(second, 'exit');
  },
  120_000,
);

test('the log is sound', async () => {
  expect((await s.call('GET', '/audit/logs/verify')).body.data.valid).toBe(true);
});
