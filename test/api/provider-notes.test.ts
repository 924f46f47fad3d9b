import { startServer, until, type Server } from '../harness';
import { stubItop, type StubItop } from '../stub-itop';

// Notes of ours at iTop, where people answer below them, where one is refused, and where their ticket is gone.

let s: Server;
let itop: StubItop;
beforeAll(async () => {
  itop = await stubItop();
  s = await startServer(itop.settings());
});
afterAll(async () => {
  await s.close();
  await itop.close();
});
afterEach(() => itop.heals());

const ticket = async (id: number) => (await s.call('GET', `/api/tickets/${id}`)).body;
const made = async (): Promise<{ id: number; provider_ref: string }> => {
  const asked = { title: 'Mail is slow', ticket_class: 'Incident', auto_assign: false };
  const { id } = (await s.call('POST', '/api/tickets', asked)).body;
  return until(async () => {
    const now = await ticket(id as number);
    return now.provider_ref !== null && now;
  }, 'iTop to have the ticket');
};
const note = async (id: number, body: string, more: object = {}) =>
  (await s.call('POST', `/api/tickets/${id}/notes`, { body, author: 'dana', ...more })).body;
const notesOf = async (id: number): Promise<{ author: string; body: string }[]> =>
  (await s.call('GET', `/api/tickets/${id}/context`)).body.notes;
const untilSaid = (ref: string, log: 'public_log' | 'private_log', words: string) =>
  until(() => Promise.resolve(itop.log(ref, log).find((m) => m.includes(words))), `"${words}" to be there`);

test('an answer above what it quotes of ours is an answer; what is ours alone does not come back', async () => {
  const t = await made();
  await note(t.id, 'Since when?\n\nAnd  for <whom>?', { visibility: 'user' });
  const ours = await untilSaid(t.provider_ref, 'public_log', 'Since when?');
  itop.writes(t.provider_ref, 'public_log', `Since nine. ${ours}`, 'rita');
  itop.writes(t.provider_ref, 'public_log', `changed on its way: ${ours}`, 'rest');
  await s.call('POST', `/api/tickets/${t.id}/sync`);
  const notes = await notesOf(t.id);
  expect(notes.map((n) => n.author)).toEqual(['dana', 'rita']);
  expect(notes[1]?.body).toMatch(/^Since nine\./);
  expect(itop.log(t.provider_ref, 'public_log')).toHaveLength(3);
});

test('a note that is refused each time is given up with why, and the one behind it goes on', async () => {
  const t = await made();
  itop.fails('core/update', { kind: 'code', code: 100, message: 'Error: too odd' }, Infinity, (c) =>
    JSON.stringify(c.fields).includes('never taken'),
  );
  const { id: refused } = await note(t.id, 'never taken');
  await note(t.id, 'behind it');
  const waits = async () => {
    const { rows } = await s.owner.query<{ refusals: number }>(
      `select refusals from provider_notes p join ticket_notes n on n.id = p.note_id where n.body = 'never taken'`,
    );
    return rows[0]?.refusals;
  };
  await until(async () => (await ticket(t.id)).provider_last_error?.includes('too odd'), 'the refusal to be kept');
  // Who asks in between uses up none of its tries.
  await s.owner.query(`update ticket_links set next_try_at = now() + interval '1 hour' where notes`);
  const before = await waits();
  await s.call('POST', `/api/tickets/${t.id}/sync`);
  expect(await waits()).toBe(before);
  expect((await ticket(t.id)).provider_drift).toEqual([]);

  await s.owner.query(`update provider_notes set refusals = 11 where refusals > 0`);
  await s.owner.query(`update ticket_links set next_try_at = now() where notes`);
  await s.call('POST', `/api/tickets/${t.id}/sync`);
  await untilSaid(t.provider_ref, 'private_log', 'behind it');
  const why = 'iTop refused core/update: Error: too odd (code 100)';
  expect(await until(async () => { const now = await ticket(t.id); return now.provider_last_error === null && now; }, 'the end')).toMatchObject({
    provider_drift: [{ field: `note ${refused}`, local: 'never taken', provider: null, reason: why }], provider_next_try_at: null,
  }); // prettier-ignore
  const { rows } = await s.owner.query(`select body from log where kind = 'ticket.provider_note_given_up'`);
  expect(rows).toEqual([{ body: { provider: 'itop', provider_ref: t.provider_ref, note_id: refused, reason: why } }]);
  await s.call('POST', `/api/tickets/${t.id}/sync`);
  expect(itop.log(t.provider_ref, 'private_log')).toHaveLength(1);
});

test('what was noted on a ticket that is gone there is tried later and later, and is not in the way of others', async () => {
  const t = await made();
  itop.objects.splice(itop.objects.indexOf(itop.ticket(t.provider_ref)), 1);
  await note(t.id, 'into nowhere');
  const now = await until(async () => {
    const seen = await ticket(t.id);
    return seen.provider_next_try_at !== null && seen;
  }, 'another try to be set');
  expect(now.provider_last_error).toBe(`itop has no Incident ${t.provider_ref}`);
});
