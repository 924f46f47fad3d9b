import { isAbsolute, join, resolve } from 'node:path';
import { z } from 'zod';

const positive = z.coerce.number().int().positive();
const flag = z.stringbool({ truthy: ['1', 'true'], falsy: ['0', 'false'] });
const names = z.string().transform((v) => v.split(',').map((n) => n.trim()).filter((n) => n !== '')); // prettier-ignore
const harnessName = /^[a-z][a-z0-9-]{0,49}$/;

/** How a command is called, and by the agents of which tenants. */
export interface CommandSetting {
  /** Null: as it is built in. */
  argv: readonly string[] | null;
  /** By their slugs; null: of all. */
  tenants: readonly string[] | null;
}
const Argv = z.array(z.string().min(1)).min(1);
const form = '{"name": ["program", "argument", …]} or {"name": {"argv": […], "tenants": ["slug", …]}}';
const Command = z.union(
  [
    Argv.transform((argv): CommandSetting => ({ argv, tenants: null })),
    z
      .strictObject({ argv: Argv.optional(), tenants: z.array(z.string().min(1)).optional() })
      .transform(({ argv, tenants }): CommandSetting => ({ argv: argv ?? null, tenants: tenants ?? null })),
  ],
  { error: `must be ${form}` },
);
/** Those whose call is built in. */
export const knownCommands = ['claude-code', 'codex', 'hermes'] as const;

/** `{"name": ["/path/to/program", "--flag", "{prompt}"]}`, or with the tenants whose agents may be it. */
const Commands = z
  .string()
  .transform((text, ctx): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      ctx.addIssue({ code: 'custom', message: `must be JSON: ${form}` });
      return z.NEVER;
    }
  })
  .pipe(z.record(z.string().regex(harnessName), Command))
  .superRefine((commands, ctx) => {
    for (const [name, { argv }] of Object.entries(commands))
      if (argv === null && !(knownCommands as readonly string[]).includes(name))
        ctx.addIssue({ code: 'custom', message: `argv: ${name} is not built in, so it has to be said how it is called`, path: [name] }); // prettier-ignore
  });

/** Commands that work as agents, as docs/harnesses/command.md says. */
export const agentEnvironment = {
  /** A name on PATH, or a path. */
  CLAUDE_BIN: z.string().min(1).default('claude'),
  CODEX_BIN: z.string().min(1).default('codex'),
  HERMES_BIN: z.string().min(1).default('hermes'),
  AGENT_COMMANDS: Commands.default({}),
  /** Where agents have their folders; `work` in the data directory when unset. */
  AGENT_WORK_BASE: z.string().min(1).optional(),
  /** What an agent's helpers call this server by. */
  DASHBOARD_API_BASE: z.url({ protocol: /^https?$/ }).optional(),
  /** Processes that one worker has at a time; others wait. */
  AGENT_MAX_PROCESSES: positive.max(50).default(5),
  AGENT_TIMEOUT_MINUTES: z.coerce.number().min(0).max(1440).default(60),
  AGENT_SILENCE_SECONDS: positive.default(3600),
  /** Since its model stopped to call a tool, without calling one. */
  AGENT_TOOL_CALL_SECONDS: positive.default(90),
  AGENT_MEMORY_MB: positive.default(4096),
  AGENT_OUTPUT_MB: positive.default(64),
  /** A command that no worker attends to for so long is ended. */
  AGENT_UNATTENDED_SECONDS: positive.min(5).default(120),
  /** Between asking a command to end and making it. */
  AGENT_GRACE_MS: positive.max(60_000).default(5_000),
  /** How soon a command is started again after trouble of its model's. */
  AGENT_RETRY_SECONDS: positive.default(30),
  /** Whose rights commands have, where the worker is root; unset: the worker's. */
  AGENT_COMMAND_USER: z.string().regex(/^[a-z_][a-z0-9_-]{0,31}$/).optional(), // prettier-ignore
  /** Commands gain no rights, as by sudo. Unset: where setpriv is there. */
  AGENT_NO_NEW_PRIVS: flag.optional(),
  /** Variables of this process that a command gets as well. */
  AGENT_ENV_ALLOW: names.default([]),
  AGENT_CURL_ALLOWED_HOSTS: names.default([]),
  CLAUDE_PERMISSION_MODE: z.string().min(1).default('acceptEdits'),
  CLAUDE_ALLOWED_TOOLS: z.string().min(1).optional(),
  ANTHROPIC_BASE_URL: z.url({ protocol: /^https?$/ }).optional(),
  ANTHROPIC_AUTH_TOKEN: z.string().min(1).optional(),
  /** `proxy`: OPENAI_BASE_URL and OPENAI_API_KEY; `oauth`: who is logged in in CODEX_HOME. */
  CODEX_AUTH_MODE: z.enum(['proxy', 'oauth']).default('oauth'),
  CODEX_HOME: z.string().min(1).optional(),
  CODEX_SANDBOX: z.enum(['read-only', 'workspace-write', 'danger-full-access']).default('workspace-write'),
  CODEX_PROFILE: z.string().min(1).optional(),
  CODEX_MODEL_PROVIDER: z.string().regex(/^[a-z0-9_-]{1,50}$/).optional(), // prettier-ignore
  CODEX_SUBSCRIPTION_MODEL: z.string().min(1).optional(),
  CODEX_OAUTH_MODEL: z.string().min(1).optional(),
  CODEX_REASONING_EFFORT: z.string().regex(/^[a-z-]{1,20}$/).optional(), // prettier-ignore
  CODEX_FAST_MODE: flag.default(false),
  OPENAI_BASE_URL: z.url({ protocol: /^https?$/ }).optional(),
  OPENAI_API_KEY: z.string().min(1).optional(),
  HERMES_PROVIDER: z.string().min(1).default('nous'),
  HERMES_PROXY_BASE_URL: z.url({ protocol: /^https?$/ }).optional(),
  HERMES_API_KEY: z.string().min(1).optional(),
  HERMES_MAX_TURNS: positive.default(90),
  HERMES_YOLO: flag.default(false),
  AGENT_DEFAULT_MODEL: z.string().min(1).optional(),
};

export interface AgentSettings {
  bins: { claude: string; codex: string; hermes: string };
  /** What was said of commands, by the name of their harness: others, and those that are built in. */
  commands: Readonly<Record<string, CommandSetting>>;
  workBase: string;
  apiBase: string;
  maxProcesses: number;
  timeoutMinutes: number;
  silenceMs: number;
  toolCallMs: number;
  memoryBytes: number;
  outputBytes: number;
  unattendedMs: number;
  graceMs: number;
  retryMs: number;
  commandUser: string | null;
  /** Null: where that can be done. */
  noNewPrivs: boolean | null;
  /** Of this process's variables, those that a command gets. */
  environment: Readonly<Record<string, string>>;
  curlHosts: readonly string[];
  defaultModel: string | null;
  claude: { permissionMode: string; allowedTools: string | null; baseUrl: string | null; token: string | null };
  codex: {
    authMode: 'proxy' | 'oauth'; home: string | null; sandbox: string; profile: string | null; provider: string | null;
    oauthModels: readonly string[]; effort: string | null; fast: boolean; baseUrl: string | null; key: string | null;
  };
  hermes: { provider: string; baseUrl: string | null; key: string | null; maxTurns: number; yolo: boolean };
} // prettier-ignore

/** What every command gets of this process's own variables: none of them is a secret of this installation. */
const usual = [
  'PATH', 'HOME', 'USER', 'LOGNAME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'NODE_EXTRA_CA_CERTS',
  'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy',
]; // prettier-ignore

const megabyte = 1024 * 1024;

interface Reached {
  HOST: string;
  PORT: number;
  PUBLIC_URL?: string | undefined;
}
/** Where the API is, as a process on this machine would have it. */
const urlOf = ({ HOST, PORT, PUBLIC_URL }: Reached): string =>
  PUBLIC_URL ?? `http://${['0.0.0.0', '::'].includes(HOST) ? '127.0.0.1' : HOST}:${PORT}`;

export function agentsOf(
  e: z.output<z.ZodObject<typeof agentEnvironment>> & Reached,
  env: NodeJS.ProcessEnv,
  dataDir: string,
): AgentSettings {
  const taken = [...usual, ...e.AGENT_ENV_ALLOW].flatMap((name) => {
    const value = env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const base = e.AGENT_WORK_BASE ?? join(dataDir, 'work');
  return {
    bins: { claude: e.CLAUDE_BIN, codex: e.CODEX_BIN, hermes: e.HERMES_BIN },
    commands: e.AGENT_COMMANDS,
    workBase: isAbsolute(base) ? base : resolve(base),
    apiBase: (e.DASHBOARD_API_BASE ?? urlOf(e)).replace(/\/+$/, ''),
    maxProcesses: e.AGENT_MAX_PROCESSES,
    timeoutMinutes: e.AGENT_TIMEOUT_MINUTES,
    silenceMs: e.AGENT_SILENCE_SECONDS * 1000,
    toolCallMs: e.AGENT_TOOL_CALL_SECONDS * 1000,
    memoryBytes: e.AGENT_MEMORY_MB * megabyte,
    outputBytes: e.AGENT_OUTPUT_MB * megabyte,
    unattendedMs: e.AGENT_UNATTENDED_SECONDS * 1000,
    graceMs: e.AGENT_GRACE_MS,
    retryMs: e.AGENT_RETRY_SECONDS * 1000,
    commandUser: e.AGENT_COMMAND_USER ?? null,
    noNewPrivs: e.AGENT_NO_NEW_PRIVS ?? null,
    environment: Object.fromEntries(taken),
    curlHosts: e.AGENT_CURL_ALLOWED_HOSTS,
    defaultModel: e.AGENT_DEFAULT_MODEL ?? null,
    claude: {
      permissionMode: e.CLAUDE_PERMISSION_MODE,
      allowedTools: e.CLAUDE_ALLOWED_TOOLS ?? null,
      baseUrl: e.ANTHROPIC_BASE_URL ?? null,
      token: e.ANTHROPIC_AUTH_TOKEN ?? null,
    },
    codex: {
      authMode: e.CODEX_AUTH_MODE,
      home: e.CODEX_HOME ?? null,
      sandbox: e.CODEX_SANDBOX,
      profile: e.CODEX_PROFILE ?? null,
      provider: e.CODEX_MODEL_PROVIDER ?? null,
      oauthModels: [e.CODEX_SUBSCRIPTION_MODEL, e.CODEX_OAUTH_MODEL].filter((m) => m !== undefined),
      effort: e.CODEX_REASONING_EFFORT ?? null,
      fast: e.CODEX_FAST_MODE,
      baseUrl: e.OPENAI_BASE_URL ?? null,
      key: e.OPENAI_API_KEY ?? null,
    },
    hermes: {
      provider: e.HERMES_PROVIDER,
      baseUrl: e.HERMES_PROXY_BASE_URL ?? null,
      key: e.HERMES_API_KEY ?? null,
      maxTurns: e.HERMES_MAX_TURNS,
      yolo: e.HERMES_YOLO,
    },
  };
}
