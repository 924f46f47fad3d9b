import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exits } from '../../cli/operate/exit';
import { childEnvironment, root } from '../../config';
import { startHeld, type Held } from '../api/held';
import { until, type Server } from '../harness';

// The real program, against a real server.

let held: Held;
let server: Server;
let elsewhere: string;
const started: ChildProcess[] = [];
beforeAll(async () => {
  held = await startHeld();
  ({ server } = held);
  elsewhere = mkdtempSync(join(tmpdir(), 'wheelhouse-cli-'));
});
afterAll(async () => {
  for (const child of started) child.kill('SIGKILL');
  await held.close();
  rmSync(elsewhere, { recursive: true, force: true });
});

function start(args: string[], changes: Record<string, string | null> = {}) {
  const env = childEnvironment({
    WHEELHOUSE_URL: server.url,
    WHEELHOUSE_TOKEN: server.token,
    WHEELHOUSE_DATA_DIR: elsewhere,
    DATABASE_URL: null,
    TEMPORAL_ADDRESS: null,
    FORCE_COLOR: null,
    ...changes,
  });
  const child = spawn(process.execPath, [join(root, 'dist/cli/main.js'), ...args], { env });
  started.push(child);
  const said = { child, out: '', err: '', exit: once(child, 'close').then(([code]: (number | null)[]) => code) };
  child.stdout.on('data', (chunk) => (said.out += String(chunk)));
  child.stderr.on('data', (chunk) => (said.err += String(chunk)));
  return said;
}
async function wheelhouse(args: string[], changes: Record<string, string | null> = {}) {
  const said = start(args, changes);
  said.child.stdin.end();
  return { code: await said.exit, out: said.out, err: said.err };
}
const says = (said: { out: string; err: string }, text: RegExp): Promise<true> =>
  until(() => Promise.resolve(text.test(said.out)), `${String(text)} in ${said.out}${said.err}`);

/** A change that waits for a decision. */
async function change(target: string): Promise<number> {
  const ticket = await server.call('POST', '/api/tickets', { title: target, auto_assign: false });
  const asked = await (await asker())('POST', '/api/changes/request', { ticket_id: ticket.body.id, action: 'firewall.block', target });
  expect(asked.status).toBe(200);
  return asked.body.change_id as number;
} // prettier-ignore
/** Somebody else than who decides. */
const asker = async (): Promise<Server['call']> => server.as((await server.user('DEVELOPER')).token);

test('a run is started, followed, steered by what is typed, left with Ctrl-C, taken up again and ends', async () => {
  const followed = start(['run', 'why', 'do', 'logins', 'fail?']);
  await says(followed, /Agent \d+ on ticket \d+\. What you type steers it; Ctrl-C leaves it at work\./);
  const [, agent, ticket] = /Agent (\d+) on ticket (\d+)/.exec(followed.out) ?? [];
  await says(followed, /started: running/);

  followed.child.stdin.write('look at the bastion first\n');
  await says(followed, /you: look at the bastion first/);
  const steering = await server.call('GET', `/api/agents/${agent}/steering`);
  expect(steering.body.events).toMatchObject([{ body: 'look at the bastion first' }]);

  followed.child.kill('SIGINT');
  expect(await followed.exit).toBe(exits.interrupted);
  expect(followed.err).toContain(`Agent ${agent} goes on. Come back: npx wheelhouse run --follow ${agent}`);
  expect(await held.status(Number(agent))).toBe('running');

  const again = start(['run', '--follow', String(agent)]);
  await says(again, new RegExp(`Agent ${agent} on ticket ${ticket} \\(running\\)`));
  await held.letGo(Number(ticket));
  expect(await again.exit).toBe(0);
  expect(again.out).toMatch(new RegExp(`Agent ${agent} finished\\.\n\nlet go`));

  const late = await wheelhouse(['run', '--follow', String(agent), '--json']);
  expect([late.code, JSON.parse(late.out)]).toEqual([
    0,
    { type: 'agent_finished', agent_id: Number(agent), output: 'let go' },
  ]);
});

test('a run that is stopped ends the command with a code of its own; --detach starts one and returns', async () => {
  const made = await server.call('POST', '/api/tickets', { title: 'To be stopped', auto_assign: false });
  const left = await wheelhouse(['run', '--ticket', String(made.body.id), '--detach', '--json']);
  const { agent_id: agent, ticket_id: ticket } = JSON.parse(left.out) as { agent_id: number; ticket_id: number };
  expect([left.code, ticket]).toEqual([0, made.body.id]);
  await held.is(agent, 'running');

  const followed = start(['run', '--follow', String(agent), '--json']);
  // It listens before it looks at the agent: whichever comes first, the end is told.
  expect((await server.call('POST', `/api/agents/${agent}/stop`, {})).status).toBe(200);
  expect(await followed.exit).toBe(exits.runEnded);
  expect(JSON.parse(followed.out.trim().split('\n').at(-1) ?? '')).toMatchObject({ agent_id: agent, type: expect.stringMatching(/^agent_(stopped|terminated)$/) });
  expect(followed.err).toContain(`Agent ${agent} stopped`);
}); // prettier-ignore

test('gates are listed, shown, approved and rejected, once', async () => {
  const [first, second] = [await change('203.0.113.7'), await change('203.0.113.8')];
  const list = await wheelhouse(['gates']);
  expect(list.code).toBe(0);
  expect(list.out).toMatch(/^ID +STATUS +RISK +ACTION +TARGET/);
  for (const line of [`${first} +pending +unknown +firewall.block +203.0.113.7`, `${second} +pending`])
    expect(list.out).toMatch(new RegExp(`^${line}`, 'm'));

  const shown = await wheelhouse(['gates', 'show', String(first)]);
  expect(shown.out).toMatch(/^target +203\.0\.113\.7$/m);
  expect(shown.out).toContain(`npx wheelhouse gates approve ${first}`);

  const approved = await wheelhouse(['gates', 'approve', String(first), '--reason', 'known scanner', '--json']);
  expect([approved.code, JSON.parse(approved.out)]).toMatchObject([0, { status: 'approved', change_id: first }]);
  expect(await wheelhouse(['gates', 'approve', String(first)])).toMatchObject({
    code: 0,
    out: expect.stringContaining(`Change ${first} is already approved.`),
  });
  const late = await wheelhouse(['gates', 'reject', String(first)]);
  expect([late.code, late.out, late.err.trim().split('\n')]).toEqual([
    exits.conflict,
    '',
    [expect.stringMatching(/approved/)],
  ]);

  expect((await wheelhouse(['gates', 'reject', String(second)])).code).toBe(0);
  const { body } = await server.call('GET', `/api/changes/${second}`);
  expect([body.status, body.approved_by]).toEqual(['rejected', expect.any(String)]);
});

test('the log is told, filtered, followed while it grows, and gone on with', async () => {
  const id = await change('203.0.113.9');
  const some = await wheelhouse(['logs', '--action', 'gate_requested', '-n', '1', '--json']);
  expect(some).toMatchObject({ code: 0, err: '' });
  const row = JSON.parse(some.out) as { seq: number; action: string };
  expect(row).toMatchObject({ action: 'gate_requested' });

  const tail = start(['logs', '-f', '--after', String(row.seq), '--action', 'gate_rejected', '--json']);
  // It has read what there is, or reads it yet: in either case this comes, and nothing else.
  expect((await server.call('POST', `/api/changes/${id}/reject`, {})).status).toBe(200);
  await says(tail, /gate_rejected/);
  const other = await change('203.0.113.10');
  expect((await server.call('POST', `/api/changes/${other}/reject`, {})).status).toBe(200);
  await until(() => Promise.resolve(tail.out.trim().split('\n').length === 2), 'the second');
  tail.child.kill('SIGINT');
  expect(await tail.exit).toBe(exits.interrupted);
  const rows = tail.out.trim().split('\n').map((line) => JSON.parse(line) as { seq: number; action: string });
  expect(rows.map((r) => r.action)).toEqual(['gate_rejected', 'gate_rejected']);
  expect(tail.err).toContain(`npx wheelhouse logs -f --after ${rows[1]?.seq}`);

  const forPeople = await wheelhouse(['logs', '--after', String(row.seq), '--action', 'gate_rejected']);
  expect(forPeople.out.trim().split('\n')).toHaveLength(2);
  expect(forPeople.out).toMatch(new RegExp(`#${rows[0]?.seq} .*gate_rejected`));
}); // prettier-ignore

test('a key that is revoked ends the stream, with what to do', async () => {
  const { token } = await server.user('ADMIN');
  const tail = start(['logs', '-f', '-n', '1'], { WHEELHOUSE_TOKEN: token });
  await says(tail, /#\d+/);
  await server.owner.query(`update api_keys set revoked_at = now() where key_prefix = left($1, length(key_prefix))`, [token]);
  expect(await tail.exit).toBe(exits.refused);
  expect(tail.err).toMatch(/WHEELHOUSE_TOKEN/);
}); // prettier-ignore

test.each<[string, string[], Record<string, string | null>, number, RegExp]>([
  ['a change that is not there', ['gates', 'show', '99999'], {}, exits.notFound, /^[^\n]+\n$/],
  ['a key that is none', ['gates'], { WHEELHOUSE_TOKEN: 'acp_none' }, exits.refused, /npx wheelhouse token/],
  ['no server that is known', ['gates'], { WHEELHOUSE_URL: null }, exits.unreachable, /npm start.*WHEELHOUSE_URL/],
  ['a server elsewhere, without its key', ['gates'], { WHEELHOUSE_TOKEN: null }, exits.refused, /set WHEELHOUSE_TOKEN/],
  ['a server that is away', ['gates'], { WHEELHOUSE_URL: 'http://127.0.0.1:9' }, exits.unreachable, /does not answer.*doctor/],
  ['a status that is none', ['gates', '--status', 'asleep'], {}, exits.usage, /status/],
  ['an option that is none', ['gates', '--colour'], {}, exits.usage, /unknown option/],
  ['nothing to do', ['run'], {}, exits.usage, /Say what is to be done/],
])('%s is one line with what to do, and an exit code', async (_what, args, env, code, line) => {
  const said = await wheelhouse(args, env);
  expect(said).toMatchObject({ code, out: '' });
  expect(said.err).toMatch(line);
  expect(said.err).not.toMatch(/^\s+at /m);
}); // prettier-ignore

test('the key of the local installation goes to no other address', async () => {
  writeFileSync(join(elsewhere, 'local.json'), '{}');
  const said = await wheelhouse(['gates'], { WHEELHOUSE_TOKEN: null });
  expect([said.code, said.out]).toEqual([exits.refused, '']);
});

test('doctor says what is missing and what mends it, and finds nothing missing where all is there', async () => {
  const there = {
    DATABASE_URL: server.config.databaseUrl,
    TEMPORAL_ADDRESS: server.config.temporalAddress,
    WHEELHOUSE_MASTER_KEY: server.config.masterKey?.toString('base64') ?? null,
  };
  const well = await wheelhouse(['doctor', '--json'], there);
  const found = JSON.parse(well.out) as { part: string; state: string; mend: string | null }[];
  expect(found.filter((f) => f.state === 'missing')).toEqual([]);
  expect(well.code).toBe(0);
  await server.owner.query(`delete from migrations where name = (select max(name) from migrations)`);
  const behind = await wheelhouse(['doctor'], there);
  expect(behind.code).toBe(exits.failed);
  expect(behind.out).toMatch(/^migrations +MISSING +at .*npx wheelhouse migrate$/m);
  expect(behind.err).toBe('Missing: migrations\n');
});

test('a history replays with this version; one whose commands are exchanged does not, and what is none is said so', async () => {
  const file = join(root, 'test/replay/histories/accessRequest.adopted.json');
  expect(await wheelhouse(['replay', file])).toMatchObject({ code: 0, err: '' });
  const broken = join(elsewhere, 'broken.json');
  writeFileSync(broken, readFileSync(file, 'utf8').replaceAll('"approvalGate"', '"anotherGate"'));
  expect(readFileSync(broken, 'utf8')).toContain('"anotherGate"');
  expect(await wheelhouse(['replay', broken])).toMatchObject({
    code: exits.failed,
    err: expect.stringMatching(/does not replay/),
  });
  expect((await wheelhouse(['replay', join(root, 'package.json')])).code).toBe(exits.usage);
});

test('bash completes commands and options', async () => {
  const { out } = await wheelhouse(['completion', 'bash']);
  const script = join(elsewhere, 'completion.bash');
  writeFileSync(script, out);
  const completed = (...words: string[]): string[] => {
    const line = `source ${script}; COMP_WORDS=(wheelhouse ${words.map((w) => `'${w}'`).join(' ')}); COMP_CWORD=${words.length}; _wheelhouse; echo "\${COMPREPLY[@]}"`;
    return spawnSync('bash', ['-c', line], { encoding: 'utf8' }).stdout.trim().split(' ');
  };
  expect(completed('gates', 'a')).toEqual(['approve']);
  expect(completed('logs', '--f')).toEqual(['--follow']);
  expect(completed('')).toEqual(expect.arrayContaining(['run', 'gates', 'logs', 'doctor', 'replay', 'up']));
  for (const shell of ['zsh', 'fish']) expect((await wheelhouse(['completion', shell])).out).toContain('approve');
});
