import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import { v7 } from 'uuid';
import { z } from 'zod';
import { root } from '../../config';
import type { Harness } from '../../domain/harness';
import * as call from '../../pipeline/call';
import * as own from '../../pipeline/tools/own';
import { startWorker, type RunningWorker } from '../../workers/main';
import { startServer, type Server } from '../harness';
import { agentIs } from './working';

// The examples of docs/tools.md, as they stand there.

const page = readFileSync(join(root, 'docs/tools.md'), 'utf8');
const between = (from: string, to: string): string => page.split(from)[1]?.split(to)[0] ?? '';
const program = between("cat > .wheelhouse/desk.mjs << 'END'\n", '\nEND\n');
const settings = between('cat > .wheelhouse/tool-servers.json << END\n', '\nEND\n');
const source = `
import { z } from 'zod';
import { tool } from '../call';
import { ownTicket } from './own';
${between('```ts\n', '```')}`;

/** Compiled where it is to go, under the project's own rules. @throws Error with what the compiler says */
function compiled(): Record<string, call.Tool> {
  const file = join(root, 'pipeline/tools/of-the-page.ts');
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => readFileSync(path, 'utf8')) as { config: object }; // prettier-ignore
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: [file], include: [] }, ts.sys, root);
  const host = ts.createCompilerHost(options);
  const files = ts.createCompilerHost(options);
  host.getSourceFile = (name, ...more) =>
    name === file
      ? ts.createSourceFile(name, source, ts.ScriptTarget.ES2022, true)
      : files.getSourceFile(name, ...more);
  host.fileExists = (name) => name === file || files.fileExists(name);
  const made = ts.createProgram([file], { ...options, noEmit: true, composite: false, incremental: false }, host);
  const of = made.getSourceFile(file);
  const wrong = [...made.getSyntacticDiagnostics(of), ...made.getSemanticDiagnostics(of)];
  if (wrong.length) throw new Error(ts.formatDiagnostics(wrong, { ...host, getCanonicalFileName: (n) => n }));
  const js = ts.transpileModule(source, { compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 } }).outputText; // prettier-ignore
  const known: Record<string, unknown> = { zod: { z }, '../call': call, './own': own };
  const exported: Record<string, call.Tool> = {};
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the text is the page's
  new Function('exports', 'require', js)(exported, (name: string) => known[name]);
  return exported;
}

/** Makes the call that its prompt names, once. */
const calling: Harness = {
  name: 'embedded',
  next(brief, [done]) {
    if (done) return { kind: 'finish', summary: done.decision };
    const { tool, args } = JSON.parse(brief.prompt ?? '') as { tool: string; args: Record<string, unknown> };
    return { kind: 'call', tool, args: tool === 'tickets.age' ? { ticket_id: brief.ticket.number } : args, why: 'the page' };
  },
}; // prettier-ignore

let s: Server;
let worker: RunningWorker;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wheelhouse-page-'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'desk.mjs'), program);
  const servers = JSON.parse(settings.replaceAll('$PWD/.wheelhouse', folder)) as object;
  writeFileSync(join(folder, 'tool-servers.json'), JSON.stringify(servers));
  s = await startServer(
    { TOOL_SERVERS: join(folder, 'tool-servers.json'), TOOL_CHECK_TIMEOUT_MS: '8000' },
    { worker: false },
  );
  worker = await startWorker(s.config, { harnesses: [calling], tools: Object.values(compiled()) });
}, 60_000);
afterAll(async () => {
  await worker.close();
  await s.close();
  rmSync(folder, { recursive: true });
});

const stepOf = async (prompt: object) => {
  const ticket = (await s.call('POST', '/api/tickets', { title: 'By the page', auto_assign: false })).body.id;
  const spawned = await s.call('POST', `/api/tickets/${ticket}/assign-agent`, { prompt: JSON.stringify(prompt) });
  await agentIs(s, spawned.body.agent_id, 'finished');
  const { rows } = await s.owner.query(
    'select e.decision, e.reasons, e.result from executions e join runs r on r.id = e.owner_id where r.number = $1',
    [spawned.body.agent_id],
  );
  return rows[0];
};

test('the tool server of the page is added, looked at, granted and called as the page says', async () => {
  const { id } = (await s.call('POST', '/api/tools', { name: 'desk', command: 'desk' })).body;
  expect((await s.call('POST', `/api/tools/${id}/check`)).body).toMatchObject({ status: 'healthy', error: null });
  expect((await s.call('PUT', `/api/tools/${id}`, { tools: { lookup: { effect: 'read' } } })).status).toBe(200);
  const agents = (await s.call('GET', '/api/v1/agent-ops/registry')).body.data;
  const agent = agents.find((a: any) => a.name === 'analyst').id;
  const capabilities = ['logs.profile', 'knowledge.search', 'desk.lookup'];
  expect((await s.call('PATCH', `/api/v1/agent-ops/registry/${agent}`, { capabilities })).status).toBe(200);
  expect(await stepOf({ tool: 'desk.lookup', args: { host: 'web-1' } })).toMatchObject({
    decision: 'allow',
    result: { content: [{ type: 'text', text: 'web-1 belongs to the web team' }] },
  });
});

test('the built-in tool of the page compiles, and says how old a ticket is', async () => {
  await s.owner.query(
    `insert into agent_grants (id, tenant_id, agent_id, tool, effect) select $1, tenant_id, id, 'tickets.age', 'ALLOW' from agents where name = 'analyst'`,
    [v7()],
  );
  expect(await stepOf({ tool: 'tickets.age' })).toMatchObject({ decision: 'allow', result: { hours: 0 } });
});
