import { Client, Connection } from '@temporalio/client';
import { Client as Postgres } from 'pg';
import { v7 } from 'uuid';
import { startApi } from '../../api/main';
import { approve } from '../../workflows/approval-gate';
import { workflowId } from '../../workflows/ids';
import { caller, startServer, until, type Server } from '../harness';
import { temporal } from '../stack';
import { agentIs, ticketWithLog } from './working';

let server: Server;
let connection: Connection;
beforeAll(async () => {
  server = await startServer({ WORKFLOW_PATIENCE_MS: '30000' });
  connection = await Connection.connect({ address: temporal().address });
});
afterAll(async () => {
  await connection.close();
  await server.close();
});

/** Of a statement. Whoever has waited for five seconds is sent away. */
const patienceSeconds = 5;
const heldSeconds = 7;

/** Holds the tenant's log: longer than a statement waits, and until `waiters` that were sent away are there again. */
async function holdLog(): Promise<{ release: (waiters: number) => Promise<void> }> {
  const holder = new Postgres({ connectionString: server.config.databaseUrl ?? '' });
  await holder.connect();
  await holder.query('begin');
  await holder.query(`select pg_advisory_xact_lock(hashtextextended('log:' || $1::text, 0))`, [server.tenantId]);
  const since = Date.now();
  return {
    async release(waiters) {
      const back = async () =>
        Date.now() - since >= heldSeconds * 1000 &&
        ((
          await server.owner.query(
            `select from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())
             and waitstart > to_timestamp($1)`,
            [since / 1000 + patienceSeconds],
          )
        ).rowCount ?? 0) >= waiters;
      await until(back, 'those who were sent away to try again');
      await holder.query('commit');
      await holder.end();
    },
  };
}

const change = async (ticket: number, target: string): Promise<{ number: number; id: string }> => {
  const asked = await server.call('POST', '/api/changes/request', { ticket_id: ticket, action: 'restart', target });
  expect(asked.status).toBe(200);
  const { rows } = await server.owner.query<{ id: string }>('select id from gates where number = $1', [asked.body.change_id]); // prettier-ignore
  return { number: asked.body.change_id as number, id: rows[0]?.id ?? '' };
};

test('a log that is held for seven seconds delays decisions and the moves of runs, and refuses none of them', async () => {
  const ticket = await ticketWithLog(server);
  const [decided, signalled] = [await change(ticket, 'web-1'), await change(ticket, 'web-2')];
  const { token } = await server.user('ADMIN');

  // A run whose first row nobody has written yet: its worker is away.
  await server.stopWorker();
  const hasty = await startApi({ ...server.config, workflowPatienceMs: 500 });
  const assign = (url: string) =>
    caller(url, server.token)('POST', `/api/tickets/${ticket}/assign-agent`, {}, { 'idempotency-key': 'assign' });
  expect((await assign(hasty.url)).status).toBe(503);
  await hasty.close();

  const log = await holdLog();
  await server.startWorker();
  const approved = server.as(token)(
    'POST',
    `/api/changes/${decided.number}/approve`,
    {},
    { 'idempotency-key': 'once' },
  );
  const gate = new Client({ connection }).workflow.getHandle(workflowId('approvalGate', server.tenantId, signalled.id));
  await gate.signal(approve, { id: v7(), actor: 'operator' });
  await log.release(3);

  expect(await approved).toMatchObject({ status: 200, body: { status: 'approved' } });
  await until(
    async () => (await server.call('GET', `/api/changes/${signalled.number}`)).body.status === 'approved',
    'the approval by Signal',
  );
  const assigned = await until(async () => {
    const again = await assign(server.url);
    return again.status !== 503 && again;
  }, 'the run to be opened');
  expect(assigned.status).toBe(200);
  await agentIs(server, assigned.body.agent_id as number, 'pending_approval');
  const { rows } = await server.owner.query(
    `select kind, reason from log where kind = 'gate.decision_refused' or decision = 'error'`,
  );
  expect(rows).toEqual([]);
}, 60_000);
