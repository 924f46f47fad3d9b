import { randomUUID } from 'node:crypto';
import { Client, Connection, ScheduleNotFoundError } from '@temporalio/client';
import { scheduleId } from '../../workflows/schedule';
import { caller, startServer, until, withoutTemporal, type Server } from '../harness';
import { temporal } from '../stack';
import { keep } from './keep';

// On the dev server: Temporal's Schedules follow the registry's rows.

let s: Server;
let connection: Connection;
let client: Client;
beforeAll(async () => {
  s = await startServer();
  connection = await Connection.connect({ address: temporal().address });
  client = new Client({ connection });
});
afterAll(async () => {
  await connection.close();
  await s.close();
});

const base = '/api/v1/agent-ops/registry';
const register = async (body: Record<string, unknown>, call: Server['call'] = (...args) => s.call(...args)) => {
  const a = await call('POST', base, { name: `agent-${randomUUID()}`, capabilities: [], ...body });
  expect(a.status).toBe(201);
  return a.body.data as Record<string, any> & { id: string };
};
const handle = (id: string) => client.schedule.getHandle(scheduleId(s.tenantId, id));
const described = (id: string) =>
  handle(id)
    .describe()
    .catch((e: unknown) => {
      if (e instanceof ScheduleNotFoundError) return null;
      throw e;
    });
type Described = NonNullable<Awaited<ReturnType<typeof described>>>;
const scheduled = (id: string, like: (d: Described) => boolean, what: string): Promise<Described> =>
  until(async () => {
    const d = await described(id);
    return d && like(d) ? d : null;
  }, what);
const gone = (id: string) => until(async () => (await described(id)) === null, 'the Schedule to be gone');
const rowsOf = async (id: string) =>
  (await s.owner.query('select r.* from runs r where agent_id = $1 order by number', [id])).rows as Record<
    string,
    any
  >[];

test('a Schedule comes, stops, changes and goes with its row, in its timezone, one run at a time', async () => {
  const agent = await register({ schedule: '30 8 1 * MON', timezone: 'Europe/Berlin' });
  const made = await scheduled(agent.id, () => true, 'the Schedule');
  expect(made.policies).toMatchObject({ overlap: 'SKIP', catchupWindow: 600_000 });
  expect(made.state).toMatchObject({ paused: false, note: expect.stringContaining(agent['name']) });
  expect(made.spec.timezone).toBe('Europe/Berlin');
  for (const at of made.info.nextActionTimes) {
    const [day, date, time] = new Intl.DateTimeFormat('en-GB', {
      timeZone: 'Europe/Berlin', weekday: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit',
    }).formatToParts(at).reduce<string[]>((all, p) => (p.type === 'weekday' || p.type === 'day' ? [...all, p.value] : p.type === 'hour' ? [...all, p.value] : p.type === 'minute' ? [...all.slice(0, -1), `${all.at(-1)}:${p.value}`] : all), []); // prettier-ignore
    expect(time).toBe('08:30');
    expect(day === 'Mon' || date === '1').toBe(true); // as cron has it: either
  }
  const path = `${base}/${agent.id}`;
  for (const status of ['paused', 'error', 'disabled']) {
    await s.call('PATCH', path, { status });
    await scheduled(
      agent.id,
      (d) => d.state.paused && Boolean(d.state.note?.includes(status)),
      `paused, for ${status}`,
    );
  }
  await s.call('PATCH', path, { status: 'active' });
  await scheduled(agent.id, (d) => !d.state.paused, 'not paused');
  await s.call('PATCH', path, { schedule: '@hourly', timezone: 'Asia/Tokyo' });
  const changed = await scheduled(agent.id, (d) => d.spec.timezone === 'Asia/Tokyo', 'the other times');
  expect(new Set(changed.info.nextActionTimes.map((at) => at.getUTCMinutes()))).toEqual(new Set([0]));
  await s.call('PATCH', path, { schedule: null });
  await gone(agent.id);
  await s.call('PATCH', path, { schedule: '@daily' });
  await scheduled(agent.id, () => true, 'the Schedule again');
  await s.call('DELETE', path);
  await gone(agent.id);
});

test('where the clocks are changed, a time that is left out is left out, and one that comes twice is taken once', async () => {
  const agent = await register({ schedule: '30 2 25-31 3,10 *', timezone: 'Europe/Berlin' });
  const { info } = await scheduled(agent.id, () => true, 'the Schedule');
  const local = info.nextActionTimes.map((at) => at.toLocaleString('en-GB', { timeZone: 'Europe/Berlin' }));
  expect(local.length).toBeGreaterThan(5);
  for (const at of local) expect(at).toContain('02:30:00');
  expect(new Set(local).size).toBe(local.length);
});

test('an agent that runs elsewhere has none, whatever its row says of a schedule', async () => {
  const agent = await register({ schedule: '@daily', runtime: 'external' });
  const other = await register({ schedule: '@daily' });
  await scheduled(other.id, () => true, 'the Schedule of the other');
  await until(async () => {
    const { rows } = await s.owner.query<{ behind: boolean }>(
      `select seq < (select max(seq) from log where kind = 'agent.registered') as behind from cursors where reader = 'schedules'`,
    );
    return rows[0]?.behind === false;
  }, 'the reader to have seen both');
  expect(await described(agent.id)).toBeNull();
});

test('an API that cannot reach Temporal, or ends before it has, leaves it to the worker', async () => {
  await s.stopWorker();
  const api = await withoutTemporal(s);
  const call = caller(api.url, s.token);
  const made = await register({ schedule: '0 5 * * *' }, call);
  const changed = await register({ schedule: '0 5 * * *' });
  const deleted = await register({ schedule: '0 5 * * *' });
  for (const { id } of [changed, deleted]) await scheduled(id, () => true, 'the Schedule, by the API that can');
  expect((await call('PATCH', `${base}/${changed.id}`, { status: 'paused', timezone: 'Asia/Tokyo' })).status).toBe(200);
  expect((await call('DELETE', `${base}/${deleted.id}`)).status).toBe(204);
  await api.close();
  expect(await described(made.id)).toBeNull();
  expect(await described(deleted.id)).not.toBeNull();
  await s.startWorker();
  await scheduled(made.id, () => true, 'the Schedule, by the worker');
  await scheduled(changed.id, (d) => d.state.paused && d.spec.timezone === 'Asia/Tokyo', 'the change, by the worker');
  await gone(deleted.id);
});

test('a firing is a run of the agent as it goes by now, with the rights of whoever set the schedule', async () => {
  const { token, id: userId } = await s.user('DEVELOPER');
  const agent = await register({ schedule: '0 5 1 1 *' }, s.as(token));
  await s.call('POST', `${base}/${agent.id}/definition`, { agent: { system_prompt: 'Be brief' } });
  await scheduled(agent.id, () => true, 'the Schedule');
  await handle(agent.id).trigger();
  const run = await until(async () => (await rowsOf(agent.id))[0], 'the run');
  expect(run).toMatchObject({
    trigger_kind: 'scheduled',
    definition_version: 1,
    spawned_by: { id: userId, kind: 'user' },
  });
  expect(run['prompt']).toContain('Be brief\n\nStarted by its schedule.\nschedule: 0 5 1 1 *\ntimezone: UTC');
  expect(run['scopes']).not.toContain('changes:complete_all');
  await until(async () => (await rowsOf(agent.id))[0]?.['status'] === 'finished', 'its end');
  const [action] = (await scheduled(agent.id, (d) => d.info.recentActions.length > 0, 'what it started')).info
    .recentActions;
  const started = client.workflow.getHandle(action?.action.workflow.workflowId ?? '');
  expect(await started.result()).toEqual({ runId: run['id'], outcome: 'finished' });
  await keep('scheduledRun.run', started);
});

test('while one goes on the next is left out, and one that is paused meanwhile opens none', async () => {
  const agent = await register({ schedule: '0 5 1 1 *', capabilities: undefined }); // it may propose, and then it waits for people
  await scheduled(agent.id, () => true, 'the Schedule');
  await handle(agent.id).trigger('SKIP');
  await until(async () => (await rowsOf(agent.id))[0]?.['status'] === 'pending_approval', 'the run to wait');
  await handle(agent.id).trigger('SKIP');
  const d = await scheduled(agent.id, (x) => x.info.numActionsSkippedOverlap > 0, 'one to be left out');
  expect(await rowsOf(agent.id)).toHaveLength(1);
  const going = client.workflow.getHandle(d.info.runningActions[0]?.workflow.workflowId ?? '');
  await keep('scheduledRun.suspended', going);
  await s.call('POST', `/api/agents/${(await rowsOf(agent.id))[0]?.['number']}/stop`, {});
  expect(await going.result()).toMatchObject({ outcome: 'stopped' });

  await s.call('PATCH', `${base}/${agent.id}`, { status: 'error' });
  await scheduled(agent.id, (x) => x.state.paused, 'paused');
  await handle(agent.id).trigger('ALLOW_ALL');
  const skipped = await until(async () => {
    const { rows } = await s.owner.query(`select * from log where kind = 'agent.run_skipped' and subject_id = $1`, [
      agent.id,
    ]);
    return rows[0] as Record<string, any> | undefined;
  }, 'the log to say so');
  expect(skipped).toMatchObject({ decision: 'deny', reason: expect.stringContaining('is error') });
  expect(await rowsOf(agent.id)).toHaveLength(1);
  await keep('scheduledRun.skipped', client.workflow.getHandle(String(skipped['body'].workflow_id)));
});

test('a firing that finds its ticket taken says so', async () => {
  const agent = await register({ schedule: '0 5 1 1 *' });
  await s.call('POST', `${base}/${agent.id}/test-run`, {});
  const [run] = await rowsOf(agent.id);
  const { rows } = await s.owner.query<{ number: number }>('select number from tickets where id = $1', [
    run?.['ticket_id'],
  ]);
  const taken = await s.call('POST', `/api/tickets/${rows[0]?.number}/assign-agent`, {});
  expect(taken.status).toBe(200);
  await scheduled(agent.id, () => true, 'the Schedule');
  await handle(agent.id).trigger('ALLOW_ALL');
  const skipped = await until(async () => {
    const found = await s.owner.query(`select * from log where kind = 'agent.run_skipped' and subject_id = $1`, [
      agent.id,
    ]);
    return found.rows[0] as Record<string, any> | undefined;
  }, 'the log to say so');
  expect(skipped['reason']).toBe('its ticket has an agent already');
  await keep('scheduledRun.taken', client.workflow.getHandle(String(skipped['body'].workflow_id)));
});

test.each([
  ['Temporal will not have', 'timezone', 'Mars/Base'],
  ['can no longer be read', 'schedule', 'whenever'],
])('what %s is written down, and holds nobody up', async (_what, column, value) => {
  const agent = await register({ schedule: '0 5 * * *' });
  await scheduled(agent.id, () => true, 'the Schedule');
  await s.owner.query(`update agents set ${column} = $2 where id = $1`, [agent.id, value]);
  expect((await s.call('PATCH', `${base}/${agent.id}`, { description: 'moved' })).status).toBe(200);
  const next = await register({ schedule: '0 6 * * *' });
  await scheduled(next.id, () => true, 'the Schedule of the next');
  await until(async () => {
    const { rowCount } = await s.owner.query(
      `select from log where kind = 'agent.schedule_refused' and subject_id = $1`,
      [agent.id],
    );
    return rowCount === 1;
  }, 'the refusal in the log');
});
