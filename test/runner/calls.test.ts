import { join } from 'node:path';
import { loadConfig } from '../../config';
import { anyIsKept, callOf, isFor, type Task } from '../../runner/commands';
import { NotHere } from '../../runner/programs';
import { usualEnvironment, withRights } from '../../runner/rights';

const bins = join(__dirname, 'bin');
const settings = (env: Record<string, string> = {}) =>
  loadConfig({ PATH: `${bins}:/usr/bin`, PORT: '8123', SECRET_OF_SERVER: 'x', ...env }).agents;
const task: Task = {
  prompt: 'Look', model: 'm', effort: null, fast: false, profile: 'p', timeoutMinutes: 5, workDir: '/w/7', agentId: 7, taskId: 8, ticketId: 9,
}; // prettier-ignore
const call = (harness: string, env: Record<string, string> = {}, changes: Partial<Task> = {}) =>
  callOf(settings(env), harness, { ...task, ...changes });

describe('how commands are called', () => {
  test('claude-code', () => {
    const { argv, env } = call('claude-code', {
      ANTHROPIC_AUTH_TOKEN: 'token',
      ANTHROPIC_BASE_URL: 'http://proxy',
      CLAUDE_ALLOWED_TOOLS: 'Read,Bash',
    });
    expect(argv).toEqual([
      join(bins, 'claude'), '--allowedTools', 'Read,Bash', '-p', '--settings', '/w/7/.claude/settings.json', '--model', 'm', '--permission-mode',
      'acceptEdits', '--no-session-persistence', '--output-format', 'stream-json', '--verbose', 'Look',
    ]); // prettier-ignore
    expect(env).toEqual({
      PATH: `/w/7/bin:${bins}:/usr/bin`, DASHBOARD_API_BASE: 'http://127.0.0.1:8123', AGENT_RUNTIME_PROFILE: 'p', AGENT_TIMEOUT_MINUTES: '5',
      AGENT_CURL_ALLOWED_HOSTS: '', AGENT_WORK_DIR: '/w/7', AGENT_ID: '7', AGENT_TASK_ID: '8', AGENT_TICKET_ID: '9',
      ANTHROPIC_BASE_URL: 'http://proxy', ANTHROPIC_AUTH_TOKEN: 'token', ANTHROPIC_API_KEY: 'token',
    }); // prettier-ignore
  });

  test('codex, by a login: models that it does not have are replaced, and no key is in its environment', () => {
    const login = { CODEX_SUBSCRIPTION_MODEL: 'default', CODEX_OAUTH_MODEL: 'gpt-x', OPENAI_API_KEY: 'secret' };
    for (const [model, taken] of [['qwen/a', 'gpt-x'], ['default', 'gpt-x'], [null, 'gpt-x'], ['gpt-y', 'gpt-y']] as const) {
      const { argv, env } = call('codex', login, { model });
      expect(argv.slice(argv.indexOf('--model'), argv.indexOf('--model') + 2)).toEqual(['--model', taken]);
      expect(Object.values(env)).not.toContain('secret');
    } // prettier-ignore
    expect(call('codex', login).argv).toEqual([
      join(bins, 'codex'), 'exec', '--json', '--skip-git-repo-check', '--sandbox', 'workspace-write', '--model', 'm', '--config',
      'approval_policy="never"', 'Look',
    ]); // prettier-ignore
  });

  test('codex, by a proxy', () => {
    const { argv, env } = call('codex', { CODEX_AUTH_MODE: 'proxy', CODEX_MODEL_PROVIDER: 'house', OPENAI_BASE_URL: 'http://p/v1', OPENAI_API_KEY: 'k', CODEX_REASONING_EFFORT: 'high' }, { model: 'qwen/a' }); // prettier-ignore
    expect(argv).toEqual(expect.arrayContaining(['qwen/a', 'model_provider="house"', 'model_providers.house.base_url="http://p/v1"', 'model_providers.house.wire_api="responses"', 'reasoning_effort="high"'])); // prettier-ignore
    expect(env).toMatchObject({ OPENAI_BASE_URL: 'http://p/v1', OPENAI_API_KEY: 'k', CODEX_API_KEY: 'k' });
  });

  test('hermes', () => {
    const { argv, env } = call('hermes', { HERMES_PROXY_BASE_URL: 'http://p/' });
    expect(argv).toEqual([
      join(bins, 'hermes'), 'chat', '-Q', '--provider', 'nous', '--model', 'm', '--toolsets', 'terminal,file', '--accept-hooks', '--max-turns', '90',
      '--source', 'soc-dashboard', '--query', 'Look',
    ]); // prettier-ignore
    expect(env).toMatchObject({ OPENAI_BASE_URL: 'http://p/v1', HERMES_ACCEPT_HOOKS: '1', SUDO_PASSWORD: '' });
  });

  test('another: its words filled in, never by a shell; a setting of the server only where it is allowed', () => {
    const commands = {
      AGENT_COMMANDS: JSON.stringify({
        own: [join(bins, 'hermes'), '--agent={agent_id}', '{prompt}', '--x'],
        plain: ['hermes'],
      }),
    };
    const odd = { prompt: '$(id) {model} "; rm' };
    expect(call('own', commands, odd).argv.slice(1)).toEqual(['--agent=7', odd.prompt, '--x']);
    expect(call('plain', commands, odd).argv.slice(1)).toEqual([odd.prompt]);
    expect(call('plain', commands).env).not.toHaveProperty('SECRET_OF_SERVER');
    expect(call('plain', { ...commands, AGENT_ENV_ALLOW: 'SECRET_OF_SERVER' }).env).toHaveProperty(
      'SECRET_OF_SERVER',
      'x',
    );
  });

  test('one that is not here', () => {
    expect(() => call('nothing')).toThrow(NotHere);
    expect(() => call('codex', { CODEX_BIN: '/no/such/codex' })).toThrow('/no/such/codex is not there');
    const settingsOf = (commands: object) => loadConfig({ AGENT_COMMANDS: JSON.stringify(commands) }).agents;
    expect(() => settingsOf({ a: 'b' })).toThrow('AGENT_COMMANDS.a: must be {"name": ["program"');
    expect(() => settingsOf({ a: { argv: ['b'], tenant: 'x' } })).toThrow(
      'AGENT_COMMANDS.a: Unrecognized key: "tenant"',
    );
    expect(() => settingsOf({ a: { tenants: ['x'] } })).toThrow('AGENT_COMMANDS.a: argv: a is not built in');
  });

  test('with no more rights than they begin with, where that can be done', () => {
    const argv = (env: Record<string, string>) => withRights(settings(env), ['/x', '--y']);
    const tools = { PATH: '/usr/bin' };
    expect(argv(tools)).toEqual(['/usr/bin/setpriv', '--no-new-privs', '/x', '--y']);
    expect(argv({ ...tools, AGENT_NO_NEW_PRIVS: '0' })).toEqual(['/x', '--y']);
    expect(argv({ PATH: bins })).toEqual(['/x', '--y']);
    expect(() => argv({ PATH: bins, AGENT_NO_NEW_PRIVS: '1' })).toThrow(NotHere);
    expect(() => argv({ ...tools, AGENT_COMMAND_USER: 'no-such-user' })).toThrow(
      'this machine has no user no-such-user',
    );
    expect(() => loadConfig({ AGENT_COMMAND_USER: 'a b' })).toThrow('AGENT_COMMAND_USER');
    expect(usualEnvironment(settings(tools))).not.toHaveProperty('HOME');
  });

  (process.getuid?.() === 0 ? test : test.skip)('with the rights of a user of their own', () => {
    const s = settings({ PATH: '/usr/bin', HOME: '/root', AGENT_COMMAND_USER: 'nobody' });
    expect(withRights(s, ['/x'])).toEqual([
      '/usr/bin/setpriv', '--reuid=65534', expect.stringMatching(/^--regid=\d+$/), '--clear-groups', '--no-new-privs', '/x',
    ]); // prettier-ignore
    expect(usualEnvironment(s)).toMatchObject({ HOME: '/nonexistent', USER: 'nobody', LOGNAME: 'nobody' });
  });

  test('some are for some tenants', () => {
    const kept = {
      AGENT_COMMANDS: '{"codex": {"tenants": ["acme"]}, "own": {"argv": ["hermes"], "tenants": []}, "all": ["x"]}',
    };
    const s = settings(kept);
    const names = ['codex', 'own', 'all', 'hermes', 'constructor'];
    expect(names.map((name) => isFor(s, name, 'acme'))).toEqual([true, false, true, true, true]);
    expect(names.map((name) => isFor(s, name, 'other'))).toEqual([false, false, true, true, true]);
    expect(call('codex', kept).argv.slice(0, 3)).toEqual([join(bins, 'codex'), 'exec', '--json']);
    expect([anyIsKept(s), anyIsKept(settings())]).toEqual([true, false]);
  });
});
