import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentSettings } from '../config-agents';
import type { FoundCommand } from '../domain/harnesses';
import { commandNames, commandOf, isConfigured } from './commands';
import { findProgram, NotHere } from './programs';
import { usualEnvironment, withRights } from './rights';

const patienceMs = 5_000;
const mostText = 200;

interface Said {
  code: number | null;
  text: string;
  error: string | null;
}

/** What a program prints when it is called so, with the rights and the variables that commands get. */
function asked(s: AgentSettings, program: string, args: readonly string[], env: Record<string, string> = {}): Promise<Said> {
  return new Promise((resolve) => {
    const options = {
      timeout: patienceMs, killSignal: 'SIGKILL' as const, maxBuffer: 64 * 1024, cwd: '/', env: { ...usualEnvironment(s), ...env },
    };
    const [file = '', ...words] = withRights(s, [program, ...args]);
    const child = execFile(file, words, options, (e, out, err) => {
      const text = `${out}\n${err}`.trim().slice(0, 2_000);
      const late = e?.killed ? `no answer within ${patienceMs / 1000} s` : null;
      resolve({ code: e ? (typeof e.code === 'number' ? e.code : null) : 0, text, error: late ?? (e ? e.message.slice(0, mostText) : null) });
    });
    child.stdin?.end();
  });
} // prettier-ignore

const firstLine = (text: string): string | null => text.split('\n').find((l) => l.trim() !== '')?.trim().slice(0, mostText) ?? null; // prettier-ignore

/** An address without whoever is in it. */
const plain = (url: string): string => {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname === '/' ? '' : pathname}`;
};

/** Whether anything answers there; what it answers does not matter. */
async function reached(url: string | null): Promise<{ status: 'ok' | 'error' | 'unknown'; error?: string }> {
  if (url === null) return { status: 'unknown' };
  try {
    const answer = await fetch(url, { method: 'HEAD', redirect: 'manual', signal: AbortSignal.timeout(patienceMs) });
    return answer.status < 500 ? { status: 'ok' } : { status: 'error', error: `HTTP ${answer.status}` };
  } catch (e) {
    const { message, cause } = e as Error & { cause?: { code?: string } };
    return { status: 'error', error: cause?.code ?? message };
  }
}

const atHome = (s: AgentSettings, ...path: string[]): boolean => {
  const home = usualEnvironment(s)['HOME'];
  return home !== undefined && existsSync(join(home, ...path));
};

async function loginOf(s: AgentSettings, path: string | null): Promise<{ status: string }> {
  if (s.codex.authMode === 'proxy') return { status: 'not_applicable' };
  if (path === null) return { status: 'unknown' };
  const env = s.codex.home === null ? {} : { CODEX_HOME: s.codex.home };
  const { code, text } = await asked(s, path, ['login', 'status'], env);
  return { status: code === 0 && /logged in/i.test(text) && !/not logged in/i.test(text) ? 'logged_in' : code === null ? 'unknown' : 'not_logged_in' }; // prettier-ignore
}

/** What else is known of the commands that are built in. */
const details: Record<string, (s: AgentSettings, path: string | null) => Promise<Record<string, unknown>>> = {
  'claude-code': async (s) => ({
    credentials_exists: s.claude.token !== null || atHome(s, '.claude', '.credentials.json'),
    base_url: s.claude.baseUrl === null ? null : plain(s.claude.baseUrl),
    model_api: await reached(s.claude.baseUrl),
    permission_mode: s.claude.permissionMode,
    allowed_tools: s.claude.allowedTools,
  }),
  codex: async (s, path) => ({
    auth_mode: s.codex.authMode,
    login_status: await loginOf(s, path),
    base_url: s.codex.baseUrl === null ? null : plain(s.codex.baseUrl),
    model_api: await reached(s.codex.authMode === 'proxy' ? s.codex.baseUrl : null),
    sandbox: s.codex.sandbox,
  }),
  hermes: async (s) => ({
    nous_auth_exists: atHome(s, '.hermes', 'auth.json'),
    provider: s.hermes.provider,
    base_url: s.hermes.baseUrl === null ? null : plain(s.hermes.baseUrl),
    model_api: await reached(s.hermes.baseUrl),
  }),
};

/** Why no command can be run on this machine; null: they can. */
function noRights(s: AgentSettings): string | null {
  try {
    withRights(s, []);
    return null;
  } catch (e) {
    if (e instanceof NotHere) return e.message;
    throw e;
  }
}

async function lookAt(s: AgentSettings, harness: string): Promise<FoundCommand> {
  const program = commandOf(s, harness)?.program(s) ?? harness;
  const why = noRights(s);
  if (why !== null) return { harness, program, path: null, version: null, error: why, details: {} };
  const path = findProgram(program, s.environment['PATH'] ?? '');
  const builtIn = isConfigured(s, harness) ? undefined : details[harness];
  const [said, more] = await Promise.all([
    path === null ? null : asked(s, path, ['--version']),
    builtIn?.(s, path) ?? Promise.resolve({}),
  ]);
  return {
    harness,
    program,
    path,
    version: said?.code === 0 ? firstLine(said.text) : null,
    error: path === null ? 'not found on PATH, or may not be run' : said?.code === 0 ? null : (said?.error ?? null),
    details: more,
  };
}

/** All commands that are known or configured, looked at one beside the other. */
export const lookAtCommands = (s: AgentSettings): Promise<FoundCommand[]> =>
  Promise.all(commandNames(s).map((name) => lookAt(s, name)));
