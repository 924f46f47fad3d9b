import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Harness } from '../../../domain/harness';
import { startWorker, type RunningWorker } from '../../../workers/main';
import { startServer, until, type Server } from '../../harness';
import { stubMcp, type StubMcp } from '../../stub-mcp';

/** Makes the call that its prompt names, once, or proposes it; and says what became of it. */
const calling: Harness = {
  name: 'embedded',
  next(brief, observations) {
    const {
      tool,
      args = { host: 'web-1' },
      propose = false,
    } = JSON.parse(brief.prompt ?? '{}') as {
      tool: string;
      args?: Record<string, unknown>;
      propose?: boolean;
    };
    const done = observations.find((o) => o.tool === tool);
    if (done) return { kind: 'finish', summary: done.decision };
    if (propose) return { kind: 'propose', action: 'call_tool', target: tool, reason: 'it was asked for', tool, args };
    return { kind: 'call', tool, args, why: 'it was asked for' };
  },
};

export const secret = 'Bearer of-the-desk-alone';

/** A server with a tool server named `desk`, one that is a program, and an agent that calls what it is told to. Its parts are there from `beforeAll` on. */
export interface World {
  s: Server;
  stub: StubMcp;
  other: { tenantId: string; token: string };
  /** The number of the tool server. */
  desk: number;
}

export function toolWorld(): World & ReturnType<typeof asked> {
  const w = {} as World;
  let worker: RunningWorker;
  let folder: string;
  const does = asked(w);
  beforeAll(async () => {
    const stub = await stubMcp();
    folder = mkdtempSync(join(tmpdir(), 'wheelhouse-tools-'));
    const file = join(folder, 'servers.json');
    writeFileSync(
      file,
      JSON.stringify({
        servers: { shelf: { ...stub.program, tenants: ['local'] }, gone: { command: '/no/such/program' } },
      }),
    );
    const s = await startServer(
      { TOOL_SERVERS_ALLOW_PRIVATE: '1', TOOL_SERVERS: file, TOOL_CHECK_TIMEOUT_MS: '8000' },
      { worker: false },
    );
    Object.assign(it, { s, stub, other: await s.tenant() });
    Object.assign(w, it);
    worker = await startWorker(s.config, { harnesses: [calling] });
    const made = await s.call('POST', '/api/tools', {
      name: 'desk',
      url: stub.url,
      headers: { Authorization: secret },
    });
    expect([made.status, made.body]).toEqual([200, { id: expect.any(Number), name: 'desk', status: 'created' }]);
    w.desk = it.desk = made.body.id;
    await does.grant('desk.lookup', 'desk.restart', 'shelf.lookup');
  });
  afterAll(async () => {
    await worker.close();
    await w.s.close();
    await w.stub.close();
    rmSync(folder, { recursive: true });
  });
  afterEach(() => w.stub.does({}));
  const it = { ...does } as World & ReturnType<typeof asked>;
  return it;
}

/** What tests ask of it. */
function asked(w: World) {
  const mine: Server['call'] = (...asked) => w.s.call(...asked);

  const analyst = async (call: Server['call']): Promise<string> =>
    (await call('GET', '/api/v1/agent-ops/registry')).body.data.find((a: any) => a.name === 'analyst').id;
  const grant = async (...capabilities: string[]) =>
    expect(
      (await w.s.call('PATCH', `/api/v1/agent-ops/registry/${await analyst(mine)}`, { capabilities })).status,
    ).toBe(200);
  const check = async (id = w.desk, call = mine) => (await call('POST', `/api/tools/${id}/check`)).body;
  const detail = async (id = w.desk) => (await w.s.call('GET', `/api/tools/${id}`)).body;
  /** Sets an agent to make a call; it has made it, or waits for people. */
  const run = async (prompt: object, call = mine) => {
    const ticket = (await call('POST', '/api/tickets', { title: 'Call a tool', auto_assign: false })).body;
    const spawned = await call('POST', `/api/tickets/${ticket.id}/assign-agent`, { prompt: JSON.stringify(prompt) });
    expect(spawned.status).toBe(200);
    const agent = await settled(spawned.body.agent_id, call);
    return { ...agent, ticket: ticket.id as number };
  };
  const settled = (id: number, call = mine, not: string[] = ['spawned', 'running', 'working']) =>
    until(async () => {
      const agent = (await call('GET', `/api/agents/${id}`)).body;
      return !not.includes(agent.status) && agent;
    }, 'the agent to come to something');
  /** Its calls as the ledger has them. */
  const steps = async (agent: { id: number }) =>
    (
      await w.s.owner.query(
        `select e.id, e.tool, e.decision, e.reasons, e.result, e.error from executions e join runs r on r.id = e.owner_id
       where r.number = $1 order by e.step`,
        [agent.id],
      )
    ).rows;
  const codes = (step: any): string[] => step.reasons.map((r: any) => r.code);
  const changeOf = async (ticket: number): Promise<number> => {
    const { changes } = (await w.s.call('GET', '/api/changes/pending')).body;
    return changes.find((c: any) => c.ticket_id === ticket).id;
  };
  return { mine, analyst, grant, check, detail, run, settled, steps, codes, changeOf };
}
