import { join } from 'node:path';
import { knownCommands, type AgentSettings, type CommandSetting } from '../config-agents';
import type { Commands } from '../pipeline/chosen';
import { findProgram, NotHere } from './programs';
import { usualEnvironment } from './rights';

// How each command is called, and what it finds in its environment.

/** What a command is told of its task. */
export interface Task {
  prompt: string;
  model: string | null;
  effort: string | null;
  fast: boolean;
  profile: string | null;
  timeoutMinutes: number;
  workDir: string;
  agentId: number;
  taskId: number;
  ticketId: number;
}
interface Called {
  args: string[];
  env: Record<string, string>;
}
interface Command {
  program: (s: AgentSettings) => string;
  call: (s: AgentSettings, t: Task) => Called;
  /** A model that a login of this command does not have gives way to the first of these, and of the settings', that it has. */
  model?: (s: AgentSettings, model: string | null, others: readonly (string | null)[]) => string | null;
}

const given = (flag: string, value: string | null): string[] => (value === null ? [] : [flag, value]);
const env = (values: Record<string, string | null>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).filter((e): e is [string, string] => e[1] !== null));
/** As TOML has a string. */
const toml = (name: string, value: string): string[] => ['--config', `${name}=${JSON.stringify(value)}`];

const claude: Command = {
  program: (s) => s.bins.claude,
  call: ({ claude: c }, t) => ({
    args: [
      ...given('--allowedTools', c.allowedTools), '-p', '--settings', join(t.workDir, '.claude', 'settings.json'), ...given('--model', t.model),
      '--permission-mode', c.permissionMode, '--no-session-persistence', '--output-format', 'stream-json', '--verbose', t.prompt,
    ],
    env: env({ ANTHROPIC_BASE_URL: c.baseUrl, ANTHROPIC_AUTH_TOKEN: c.token, ANTHROPIC_API_KEY: c.token }),
  }), // prettier-ignore
};

/** Names of models that no subscription has. */
const notOfLogin = /^(|default|(local|qwen|lmstudio|ollama|openrouter|nous|deepseek)\/.*)$/;

const codex: Command = {
  program: (s) => s.bins.codex,
  model: ({ codex: c, defaultModel }, model, others) => {
    if (c.authMode !== 'oauth' || !notOfLogin.test(model ?? '')) return model;
    return [...c.oauthModels, ...others, defaultModel].find((m) => m !== null && !notOfLogin.test(m)) ?? null;
  },
  call: ({ codex: c }, t) => {
    const proxy = c.authMode === 'proxy';
    const provider = proxy ? c.provider : null;
    const at = `model_providers.${provider}`;
    const effort = t.effort ?? c.effort;
    return {
      args: [
        'exec', '--json', '--skip-git-repo-check', '--sandbox', c.sandbox, ...given('--model', t.model), ...given('--profile', c.profile),
        ...toml('approval_policy', 'never'),
        ...(provider === null
          ? []
          : [
              ...toml('model_provider', provider), ...toml(`${at}.name`, provider), ...toml(`${at}.base_url`, c.baseUrl ?? ''),
              ...toml(`${at}.env_key`, 'OPENAI_API_KEY'), ...toml(`${at}.wire_api`, 'responses'),
            ]),
        ...(effort === null ? [] : toml('reasoning_effort', effort)),
        t.prompt,
      ],
      env: env({
        CODEX_HOME: c.home,
        ...(proxy && { OPENAI_BASE_URL: c.baseUrl, OPENAI_API_KEY: c.key, CODEX_API_KEY: c.key }),
        CODEX_REASONING_EFFORT: effort,
        CODEX_FAST_MODE: t.fast || c.fast ? '1' : '0',
      }),
    };
  }, // prettier-ignore
};

const hermes: Command = {
  program: (s) => s.bins.hermes,
  call: ({ hermes: h }, t) => ({
    args: [
      'chat', '-Q', '--provider', h.provider, ...given('--model', t.model), '--toolsets', 'terminal,file', '--accept-hooks',
      '--max-turns', String(h.maxTurns), '--source', 'soc-dashboard', ...(h.yolo ? ['--yolo'] : []), '--query', t.prompt,
    ],
    env: env({
      HERMES_PROXY_BASE_URL: h.baseUrl,
      OPENAI_BASE_URL: h.baseUrl && `${h.baseUrl.replace(/\/+$/, '')}/v1`,
      OPENAI_API_KEY: h.key,
      HERMES_ACCEPT_HOOKS: '1',
      SUDO_PASSWORD: '',
    }),
  }), // prettier-ignore
};

/** `{prompt}`, `{model}` and so on in its words are filled in; one that names no prompt gets it as its last word. */
const configured = (words: readonly string[]): Command => ({
  program: () => words[0] ?? '',
  call: (_s, t) => {
    const values: Record<string, string> = {
      prompt: t.prompt, model: t.model ?? '', work_dir: t.workDir, agent_id: String(t.agentId), task_id: String(t.taskId),
      ticket_id: String(t.ticketId),
    }; // prettier-ignore
    const args = words.slice(1).map((w) => w.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole));
    return { args: words.some((w) => w.includes('{prompt}')) ? args : [...args, t.prompt], env: {} };
  },
});

const known: Readonly<Record<(typeof knownCommands)[number], Command>> = { 'claude-code': claude, codex, hermes };
const isKnown = (name: string): name is keyof typeof known => Object.hasOwn(known, name);

const settingOf = (s: AgentSettings, harness: string): CommandSetting | null =>
  Object.hasOwn(s.commands, harness) ? (s.commands[harness] ?? null) : null;

/** Whether it is called as AGENT_COMMANDS says, and not as it is built in. */
export const isConfigured = (s: AgentSettings, harness: string): boolean =>
  (settingOf(s, harness)?.argv ?? null) !== null;

/** Whether any command is only for some tenants. */
export const anyIsKept = (s: AgentSettings): boolean => Object.values(s.commands).some((c) => c.tenants !== null);

/** Whether agents of a tenant, by its slug, may be this command. */
export const isFor = (s: AgentSettings, harness: string, tenant: string): boolean =>
  settingOf(s, harness)?.tenants?.includes(tenant) ?? true;

export const commandNames = (s: AgentSettings): string[] => [
  ...new Set([...knownCommands, ...Object.keys(s.commands)]),
];

/** What AGENT_COMMANDS says of a name goes before what is built in. */
export function commandOf(s: AgentSettings, harness: string): Command | null {
  const words = settingOf(s, harness)?.argv;
  if (words) return configured(words);
  return isKnown(harness) ? known[harness] : null;
}

/** The model that a command is asked for. Null: its own. @param others what may take the place of one that it does not have */
export function modelOf(
  s: AgentSettings,
  harness: string,
  asked: string | null,
  others: readonly (string | null)[] = [],
): string | null {
  const command = commandOf(s, harness);
  return command?.model ? command.model(s, asked, others) : asked;
}

/** What others are told of the commands of an installation. */
export const commandsOf = (s: AgentSettings): Commands => ({
  names: commandNames(s),
  isFor: anyIsKept(s) ? (name, tenant) => isFor(s, name, tenant) : null,
  modelOf: (harness, model, instead) => modelOf(s, harness, model, instead),
});

/** Agents of this tenant may not be this command, on any machine. */
export class NotForTenant extends Error {}

/** As much of a prompt as one argument may be. */
const mostPrompt = 100_000;

/** @throws NotHere */
export function callOf(s: AgentSettings, harness: string, task: Task): { argv: string[]; env: Record<string, string>; model: string | null } {
  const command = commandOf(s, harness);
  if (!command) throw new NotHere(`there is no command for ${harness}`);
  const program = findProgram(command.program(s), s.environment['PATH'] ?? '');
  if (program === null) throw new NotHere(`${command.program(s)} is not there, or may not be run`);
  const model = modelOf(s, harness, task.model ?? s.defaultModel);
  const prompt = Buffer.from(task.prompt.replaceAll('\u0000', '')).subarray(0, mostPrompt).toString('utf8');
  const called = command.call(s, { ...task, model, prompt });
  return {
    argv: [program, ...called.args],
    model,
    env: {
      ...usualEnvironment(s),
      PATH: `${join(task.workDir, 'bin')}:${s.environment['PATH'] ?? ''}`,
      DASHBOARD_API_BASE: s.apiBase,
      AGENT_RUNTIME_PROFILE: task.profile ?? '',
      AGENT_TIMEOUT_MINUTES: String(task.timeoutMinutes),
      AGENT_CURL_ALLOWED_HOSTS: s.curlHosts.join(','),
      AGENT_WORK_DIR: task.workDir,
      AGENT_ID: String(task.agentId),
      AGENT_TASK_ID: String(task.taskId),
      AGENT_TICKET_ID: String(task.ticketId),
      ...called.env,
    },
  };
} // prettier-ignore
