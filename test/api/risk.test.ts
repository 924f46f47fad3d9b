import { startServer, type Server } from '../harness';

let server: Server;
beforeAll(async () => void (server = await startServer({}, { worker: false })));
afterAll(() => server.close());

const published = { inference: 0.35, behavior: 0.3, anomaly: 0.15, cost: 0.1, cross_agent: 0.1 };
const put = (weights: unknown) => server.call('PUT', '/risk/signal-weights', { weights });
const changes = async () =>
  (await server.owner.query(`select body from log where kind = 'risk_weights.changed' order by seq`)).rows;

describe('what counts in the risk of a call', () => {
  test('is what was published, until a tenant changes it: in part, and logged once', async () => {
    const first = await server.call('GET', '/risk/signal-weights');
    expect(first.body.data.weights).toEqual(published);
    expect(first.body.data.signals).toContainEqual({ key: 'cost', label: expect.any(String), weight: 0.1 });
    const changed = await put({ inference: 0.45, behavior: 0.2, unheard_of: 5 });
    expect([changed.status, changed.body.data.weights]).toEqual([
      200,
      { ...published, inference: 0.45, behavior: 0.2 },
    ]);
    expect((await put({ inference: 0.45 })).status).toBe(200);
    expect((await server.call('GET', '/risk/signal-weights')).body.data).toEqual(changed.body.data);
    expect(await changes()).toEqual([{ body: { before: published, weights: changed.body.data.weights } }]);
    const other = server.as((await server.tenant()).token);
    const theirs = await other('GET', '/risk/signal-weights');
    expect(theirs.body.data.weights).toEqual(published);
  });

  test.each<[string, unknown, string]>([
    ['more than 1 together', { cost: 0.5 }, 'together they make 1.400'],
    ['more than 1', { cost: 1.5 }, 'Validation failed'],
    ['less than nothing', { cost: -0.1, anomaly: 0.35 }, 'Validation failed'],
    ['no number', { cost: '0.1' }, 'Validation failed'],
    ['no object', 7, 'Validation failed'],
  ])('%s: 422, and nothing changes', async (_, weights, error) => {
    const before = await changes();
    const answer = await put(weights);
    expect([answer.status, answer.body.error]).toEqual([422, expect.stringContaining(error)]);
    expect(await changes()).toEqual(before);
  });
});
