import { randomUUID } from 'node:crypto';
import { startServer, type Server } from '../harness';

let s: Server;
beforeAll(async () => void (s = await startServer({}, { worker: false })));
afterAll(() => s.close());

const base = '/functions/v1/api/v1/agent-ops/registry';
const register = async (body: Record<string, unknown> = {}) =>
  (await s.call('POST', base, { name: `agent-${randomUUID()}`, ...body })).body.data as Record<string, any> & {
    id: string;
  };
const kinds = async (id: unknown) =>
  (await s.owner.query<{ kind: string }>('select kind from log where subject_id = $1 order by seq', [id])).rows.map(
    (r) => r.kind,
  );

describe('definitions', () => {
  const define = (id: string, agent: unknown, headers = {}) =>
    s.call('POST', `${base}/${id}/definition`, { agent }, headers);

  it('gets a version more with each change, on top of what stood; two at once are both there', async () => {
    const agent = await register();
    const first = await define(agent.id, {
      name: 'Reporter',
      system_prompt: 'Be brief',
      model: 'small',
      tools: ['a'],
    });
    expect(first.body.data).toEqual({
      id: agent.id, name: 'Reporter', current_version: 1, updated_at: expect.any(String),
    }); // prettier-ignore
    const more = await Promise.all(
      Array.from({ length: 8 }, (_, i) => define(agent.id, { [`key${i}`]: i, ...(i === 0 && { model: 'large' }) })),
    );
    const numbers = more.map((a) => a.body.data.current_version as number).sort((a, b) => a - b);
    expect(numbers).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
    const { rows } = await s.owner.query<{ version: number; definition: Record<string, unknown> }>(
      'select version, definition from agent_versions where agent_id = $1 order by version',
      [agent.id],
    );
    expect(rows.map((r) => r.version)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(rows[8]?.definition).toEqual({
      name: 'Reporter', system_prompt: 'Be brief', model: 'large', tools: ['a'], ...Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`key${i}`, i])),
    }); // prettier-ignore
    const shown = (await s.call('GET', `${base}/${agent.id}`)).body.data;
    expect(shown).toMatchObject({ current_version: 9, model: 'large' });
    expect((await kinds(agent.id)).filter((k) => k === 'agent.defined')).toHaveLength(9);
  });

  it('counts a repeat once, its kept answer lost or not', async () => {
    const agent = await register();
    const key = { 'idempotency-key': randomUUID() };
    const first = await define(agent.id, { model: 'small' }, key);
    await s.owner.query('delete from idempotency_keys');
    expect((await define(agent.id, { model: 'small' }, key)).body.data.current_version).toBe(1);
    expect(first.body.data.current_version).toBe(1);
  });

  it('asks for the key agent, and finds no agent of others', async () => {
    const agent = await register();
    const bare = await s.call('POST', `${base}/${agent.id}/definition`, { model: 'small' });
    expect([bare.status, bare.body.error.message]).toEqual([400, expect.stringContaining('agent')]);
    const stranger = s.as((await s.tenant()).token);
    expect((await stranger('POST', `${base}/${agent.id}/definition`, { agent: { model: 'x' } })).status).toBe(404);
    expect((await s.call('GET', `${base}/${agent.id}`)).body.data.current_version).toBe(0);
  });

  it('says what the agent may call from then on, until somebody says otherwise', async () => {
    const agent = await register({ capabilities: ['knowledge.search', 'words'] });
    const grants = async () =>
      (await s.owner.query('select tool from agent_grants where agent_id = $1', [agent.id])).rows.map((r) => r.tool as string);
    await define(agent.id, { capabilities: ['vault.check'] });
    const { rows: logged } = await s.owner.query(`select body -> 'capabilities' as said from log where kind = 'agent.defined' and subject_id = $1`, [agent.id]); // prettier-ignore
    expect(logged).toEqual([{ said: { before: ['knowledge.search', 'words'], after: ['vault.check'] } }]);
    const shown = async () => (await s.call('GET', `${base}/${agent.id}`)).body.data;
    expect([(await shown()).capabilities, (await shown()).current_version, await grants()]).toEqual([['vault.check'], 1, ['vault.check']]);
    await define(agent.id, { model: 'large' }); // says nothing of them
    expect([(await shown()).capabilities, await grants()]).toEqual([['vault.check'], ['vault.check']]);
    await s.call('PATCH', `${base}/${agent.id}`, { capabilities: [] });
    await define(agent.id, { model: 'larger' });
    expect([(await shown()).capabilities, await grants()]).toEqual([[], []]);
  });

  it.each([
    [{ capabilities: ['a', ''] }, 'agent.capabilities.1'],
    [{ harness: 'elsewhere' }, 'agent.harness'],
    [{ model: 7 }, 'agent.model'],
  ])('refuses %j, naming %s', async (definition, field) => {
    const agent = await register();
    const a = await define(agent.id, definition);
    expect([a.status, a.body.error.message]).toEqual([400, expect.stringContaining(field)]);
    expect((await define(agent.id, { harness: 'embedded' })).body.data.current_version).toBe(1);
  });
}); // prettier-ignore
