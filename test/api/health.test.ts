import { createServer, connect, type AddressInfo, type Server as Tcp, type Socket } from 'node:net';
import { startApi } from '../../api/main';
import { caller, startServer, until, type Answer, type Server } from '../harness';
import { temporal } from '../stack';

/** Stands before a part of the stack, so that a test can take the part away and give it back. */
class Gate {
  private readonly sockets = new Set<Socket>();
  private open = true;
  private constructor(private readonly server: Tcp) {}
  static async before(host: string, port: number): Promise<Gate> {
    const server = createServer((inner) => gate.join(inner, connect(port, host)));
    const gate = new Gate(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return gate;
  }
  private join(a: Socket, b: Socket): void {
    for (const [from, to] of [[a, b], [b, a]] as const) {
      this.sockets.add(from);
      from.on('error', () => to.destroy()).on('close', () => to.destroy());
      if (this.open) from.pipe(to);
    }
  } // prettier-ignore
  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }
  /** Swallows what is sent and answers nothing: the worst way to be away. */
  hang(): void {
    this.open = false;
    for (const socket of this.sockets) socket.unpipe();
  }
  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }
}

const probes = [
  '/health',
  '/api/v1/health',
  '/api/v1/health/ready',
  '/api/v1/health/live',
  '/v1/health',
  '/system/health',
  '/status',
  '/metrics',
];
const quick = async (ask: Server['call'], path: string): Promise<Answer> => {
  const from = performance.now();
  const answer = await ask('GET', path);
  expect([path, performance.now() - from < 2_000]).toEqual([path, true]);
  return answer;
};

describe('with everything there', () => {
  let server: Server;
  beforeAll(async () => void (server = await startServer()));
  afterAll(() => server.close());

  test('GET /health is both shapes in one', async () => {
    const { body } = await quick(server.as(''), '/health');
    const alive = { status: 'ok', version: expect.stringMatching(/^\d+\.\d+\.\d+/) };
    expect(body).toEqual({ success: true, data: alive, error: null, meta: null, ...alive });
  });

  test('every probe answers 200 to anybody, with what was measured', async () => {
    await until(
      async () => (await server.call('GET', '/api/v1/health')).body.status === 'operational',
      'a worker that polls',
    );
    for (const path of probes) expect([path, (await quick(server.as(''), path)).status]).toEqual([path, 200]);
    const { body: ready } = await quick(server.as(''), '/api/v1/health/ready');
    expect(ready.status).toBe('ready');
    for (const name of ['postgres', 'counters', 'temporal', 'worker']) {
      expect(ready.checks[name]).toEqual({ status: 'operational', latency_ms: expect.any(Number), error: null });
    }
    const { data } = (await quick(server.as(''), '/system/health')).body;
    expect(data).toMatchObject({
      status: 'operational',
      healthy: 4,
      total: 4,
      latency: { scope: 'end_to_end', request_count: expect.any(Number) },
    });
    expect(data.queues.lifecycle).toEqual({ workers: expect.any(Number), pending: 0 });
    expect(data.queues.lifecycle.workers).toBeGreaterThan(0);
    const { body: v1 } = await quick(server.as(''), '/v1/health');
    expect(v1).toMatchObject({
      status: 'healthy', services: { database: { status: 'healthy' }, redis: { status: 'healthy' }, message_queue: { status: 'healthy', pending_messages: 0 } },
      metrics: { active_agents: 1, running_tasks: 0, completed_tasks_today: 0 },
    }); // prettier-ignore
    const { data: status } = (await quick(server.as(''), '/status')).body;
    expect(status).toMatchObject({
      status: 'operational',
      services: { total: 4, healthy: 4, degraded: 0, unreachable: 0 },
      kill_switch: { engaged: false },
    });
    expect(status.latency.p99_ms).toBeGreaterThanOrEqual(status.latency.p50_ms);
  });

  test('metrics: public as text, and under the token', async () => {
    const { text, headers } = await quick(server.as(''), '/metrics');
    expect(headers.get('content-type')).toContain('text/plain');
    expect(text).toContain('# TYPE wheelhouse_http_request_duration_seconds histogram');
    const under = (token: string) =>
      server.as('')('GET', '/api/v1/metrics', undefined, token ? { 'x-metrics-token': token } : {});
    expect((await under(server.config.metricsToken ?? '')).text).toContain('wheelhouse_http_request_duration_seconds');
    for (const token of ['', 'wrong']) expect((await under(token)).body.error.code).toBe('OPS_AGENT_SCOPE_FORBIDDEN');
    expect((await server.call('GET', '/api/v1/metrics')).status).toBe(401);
  });

  test('without a worker the server is ready and says what is missing', async () => {
    const idle = await startServer({}, { worker: false });
    const { body } = await quick(idle.as(''), '/api/v1/health/ready');
    expect([body.status, body.checks.worker.status, body.checks.worker.error]).toEqual([
      'ready',
      'outage',
      expect.stringContaining('no worker polls'),
    ]);
    expect((await quick(idle.as(''), '/system/health')).status).toBe(503);
    await idle.close();
  });
});

describe.each([
  ['Temporal', 'partial_outage', 'temporal'],
  ['Postgres', 'major_outage', 'postgres'],
] as const)('with %s hanging', (name, level, part) => {
  let server: Server;
  let gate: Gate;
  let api: Awaited<ReturnType<typeof startApi>>;
  let ask: Server['call'];

  beforeAll(async () => {
    server = await startServer({}, { worker: false });
    const database = new URL(server.config.databaseUrl ?? '');
    const [host, port] = name === 'Temporal' ? temporal().address.split(':') : [database.hostname, database.port];
    gate = await Gate.before(host ?? '', Number(port));
    if (name === 'Postgres') database.port = String(gate.port);
    api = await startApi({
      ...server.config,
      databaseUrl: database.href,
      temporalAddress: name === 'Temporal' ? `127.0.0.1:${gate.port}` : temporal().address,
    });
    ask = caller(api.url, '');
  });
  afterAll(async () => {
    gate.close();
    await api.close();
    await server.close();
  });

  test('every probe answers within two seconds; 503 only where it is declared', async () => {
    const { body } = await quick(ask, '/api/v1/health/ready');
    expect([body.status, body.checks[part].status]).toEqual(['ready', 'operational']);
    gate.hang();
    await until(
      async () => (await quick(ask, '/api/v1/health')).body.checks[part].status === 'outage',
      'the outage to be seen',
    );
    const answers = await Promise.all(probes.map(async (path) => [path, await quick(ask, path)] as const));
    const unavailable = answers.filter(([, answer]) => answer.status === 503).map(([path]) => path);
    // Without the workflow engine reads go on, which that door calls degraded.
    const nothingGoesOn = level === 'major_outage' ? ['/v1/health'] : [];
    expect(unavailable).toEqual(['/api/v1/health/ready', ...nothingGoesOn, '/system/health']);
    expect(answers.filter(([, answer]) => answer.status !== 200)).toHaveLength(unavailable.length);
    const of = new Map(answers);
    expect(of.get('/status')?.body.data.status).toBe(level);
    expect(of.get('/system/health')?.body).toMatchObject({ success: false, error: level });
    expect(of.get('/api/v1/health/ready')?.body.checks[part]).toEqual({
      status: 'outage',
      latency_ms: null,
      error: expect.any(String),
    });
  });
});
