import { startServer, until, type Answer, type Server } from '../harness';

let s: Server;
let ticket: number;
let other: number;
beforeAll(async () => {
  s = await startServer();
  ticket = (await s.call('POST', '/api/tickets', { title: 'web-1 is slow', auto_assign: false })).body.id as number;
  other = (await s.call('POST', '/api/tickets', { title: 'web-2 is slow', auto_assign: false })).body.id as number;
});
afterAll(() => s.close());

const ok = (a: Answer) => {
  if (a.status !== 200) throw new Error(`${a.status} ${a.text}`);
  return a.body;
};
const trail = async (query: string): Promise<Record<string, any>[]> => ok(await s.call('GET', `/api/dashboard/audit?${query}`)).audit; // prettier-ignore

test('the overview counts what there is, by the day of today, and shows what happened last', async () => {
  const run = ok(await s.call('POST', `/api/tickets/${other}/assign-agent`, {}));
  const statusOf = async () => ok(await s.call('GET', `/api/agents/${run.agent_id}`)).status as string;
  await until(async () => !['spawned', 'running'].includes(await statusOf()), 'the agent to have looked');
  await s.call('POST', `/api/agents/${run.agent_id}/stop`, { reason: 'enough' });
  const ended = await until(async () => {
    const status = await statusOf();
    return ['finished', 'stopped'].includes(status) && status;
  }, 'its end');
  ok(await s.call('POST', `/api/tickets/${other}/status`, { status: 'resolved' }));
  ok(await s.call('POST', '/api/changes/request', { ticket_id: ticket, action: 'restart', target: 'web-1' }));
  const stats = ok(await s.call('GET', '/api/dashboard/stats'));
  expect(stats).toMatchObject({
    tickets: { total: 2, new: 1, assigned: 0, resolved: 1, closed: 0 },
    agents: { active: 0, queued: 0, waiting: 0, stalled: 0, history: 1, open: 0, total: 1, distribution: [{ status: ended, count: 1 }] },
    changes: { pending: 1 },
  });
  expect(stats.tickets.trend).toHaveLength(7);
  expect(stats.tickets.trend.at(-1)).toEqual({ date: new Date().toISOString().slice(0, 10), count: 2 });
  // What was lent to the agent may end after it did, and be told of last.
  const recent = stats.recent_activity as Record<string, any>[];
  const times = recent.map((r) => Date.parse(r['created_at']));
  expect(times).toEqual([...times].sort((a, b) => b - a));
  expect(recent.find((r) => r['ticket_id'] === ticket)).toMatchObject({ source: expect.stringMatching(/audit|note/) });
  expect(recent.slice(0, 6).map((r) => r['ticket_id'])).toContain(ticket);
  const sources = new Set(stats.recent_activity.map((r: { source: string }) => r.source));
  expect([...sources].sort()).toEqual(['audit', 'event', 'note']);
}); // prettier-ignore

test('the trail has both halves of the log and the notes, each row with its ticket and agent', async () => {
  const { change_id: id } = ok(
    await s.call('POST', '/api/changes/request', { ticket_id: ticket, action: 'restart', target: 'db-1', reason: 'it leaks' }),
  );
  const [asked] = await trail(`target=change_${id}&source=audit`);
  expect(asked).toMatchObject({
    source: 'audit', action: 'change_requested', actor: s.admin.email, category: 'change', level: 'info', ticket_id: ticket, agent_id: null,
    details: { change_id: id, target: 'db-1', decision: 'allow' },
    summary: `change requested: change_${id} by ${s.admin.email}: it leaks`,
  });
  const [noted] = await trail(`ticket_id=${ticket}&source=note`);
  expect(noted).toMatchObject({ source: 'note', target: `ticket_${ticket}`, details: { note_source: 'approval-gate' } });
  expect(noted?.['summary']).toContain('db-1');
  // The number is found in details as well, whatever else it is about.
  expect((await trail(`q=change_${id}`)).map((r) => r['source']).sort()).toEqual(['audit', 'note']);
  const agent = (await trail('category=agent&limit=1000')).at(-1);
  expect(agent).toMatchObject({ source: 'event', agent_id: expect.any(Number), ticket_id: other });
  const own = await trail(`agent_id=${agent?.['agent_id']}&limit=1000`);
  expect(own.map((r) => r['action'])).toEqual(expect.arrayContaining(['agent_spawned', 'agent_started', 'execute_tool']));
  expect(own.every((r) => r['ticket_id'] === other)).toBe(true);
}); // prettier-ignore

test('filters are of parts, in any case, and together; rows come newest first', async () => {
  const rows = await trail('limit=1000');
  const times = rows.map((r) => Date.parse(r['created_at']));
  expect(times).toEqual([...times].sort((a, b) => b - a));
  expect((await trail('limit=3')).map((r) => [r['source'], r['id']])).toEqual(rows.slice(0, 3).map((r) => [r['source'], r['id']]));
  expect((await trail('action=CHANGE_req&limit=1000')).length).toBe(rows.filter((r) => r['action'].includes('change_req')).length);
  expect(await trail('actor=nobody')).toEqual([]);
  const refused = await s.call('POST', `/api/changes/${rows.find((r) => r['action'] === 'change_requested')?.['details'].change_id}/approve`, {});
  expect(refused.status).toBe(403);
  expect(await trail('level=warning')).toEqual([expect.objectContaining({ action: 'change_decision_refused', source: 'audit' })]);
  expect(await trail('level=warning&source=event')).toEqual([]);
  expect(await s.call('GET', '/api/dashboard/audit?source=everything')).toMatchObject({ status: 400 });
  expect(ok(await s.call('GET', '/api/dashboard/audit'))).toMatchObject({ complete: true });
}); // prettier-ignore

test('another tenant sees nothing of it', async () => {
  const stranger = s.as((await s.tenant()).token);
  expect(ok(await stranger('GET', `/api/dashboard/audit?ticket_id=${ticket}`)).count).toBe(0);
  expect(ok(await stranger('GET', '/api/dashboard/stats'))).toMatchObject({ tickets: { total: 0 }, recent_activity: [] });
}); // prettier-ignore
