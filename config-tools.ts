import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { z } from 'zod';

const positive = z.coerce.number().int().positive();

/** Tool servers as docs/tools.md says. */
export const toolEnvironment = {
  /** A file that names the commands which tenants may have run as tool servers; unset: none. */
  TOOL_SERVERS: z.string().min(1).optional(),
  /** Tool servers over HTTP may be at private and loopback addresses. */
  TOOL_SERVERS_ALLOW_PRIVATE: z.stringbool({ truthy: ['1', 'true'], falsy: ['0', 'false'] }).default(false),
  /** How often all tools are looked at. */
  TOOL_CHECK_SECONDS: positive.default(60),
  /** Of one look, once the server stands. */
  TOOL_CHECK_TIMEOUT_MS: positive.max(8_000).default(3_000),
  /** Until a server that was begun knows us, for a look as for a call. */
  TOOL_START_TIMEOUT_MS: positive.max(60_000).default(10_000),
  /** A connection to a tool server, or its process, that nobody uses for so long is ended. */
  TOOL_IDLE_SECONDS: positive.default(300),
};

/** A program that may be run for a tenant, with the whole of its environment. */
interface ToolProgram {
  command: string;
  args: string[];
  cwd: string;
  env: Record<string, string>;
  /** Slugs of the tenants that may choose it; null: all. */
  tenants: string[] | null;
}
export interface ToolSettings {
  programs: ReadonlyMap<string, ToolProgram>;
  allowPrivate: boolean;
  checkSeconds: number;
  checkTimeoutMs: number;
  startTimeoutMs: number;
  idleMs: number;
}

const File = z.strictObject({
  servers: z.record(
    z.string().regex(/^[a-z][a-z0-9_-]{0,39}$/, 'small letters, digits, - and _, 40 at most'),
    z.strictObject({
      command: z.string().min(1),
      args: z.array(z.string()).default([]),
      cwd: z.string().min(1).default(tmpdir()),
      /** A value, or the name of a variable of the worker's own environment. */
      env: z.record(z.string(), z.union([z.string(), z.strictObject({ from: z.string().min(1) })])).default({}),
      tenants: z.array(z.string()).nullable().default(null),
    }),
  ),
});

/** What every program is told: where programs are, and nothing of ours. */
const basics = ['PATH', 'LANG', 'TZ'] as const;

/** @throws Error that names the file, and what in it is wrong */
function programsOf(root: string, path: string | undefined, env: NodeJS.ProcessEnv): ToolSettings['programs'] {
  if (path === undefined) return new Map();
  const wrong = (what: string): Error => new Error(`TOOL_SERVERS: ${path}: ${what}`);
  let text: string;
  try {
    text = readFileSync(resolve(root, path), 'utf8');
  } catch (e) {
    throw wrong(`cannot be read (${(e as NodeJS.ErrnoException).code ?? 'unknown'})`);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw wrong('is not JSON');
  }
  const parsed = File.safeParse(json);
  if (!parsed.success)
    throw wrong(parsed.error.issues.map((i) => `${i.path.join('.') || 'it'}: ${i.message}`).join('; '));
  const base = Object.fromEntries(basics.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
  return new Map(
    Object.entries(parsed.data.servers).map(([name, { env: own, ...server }]) => {
      const variables = Object.entries(own).map(([key, value]) => {
        const known = typeof value === 'string' ? value : env[value.from];
        if (known === undefined)
          throw wrong(`servers.${name}.env.${key}: ${(value as { from: string }).from} is not set`);
        return [key, known] as const;
      });
      return [name, { ...server, env: { ...(base as Record<string, string>), ...Object.fromEntries(variables) } }];
    }),
  );
}

/** @throws Error */
export const toolSettingsOf = (
  e: z.output<z.ZodObject<typeof toolEnvironment>>,
  root: string,
  env: NodeJS.ProcessEnv,
): ToolSettings => ({
  programs: programsOf(root, e.TOOL_SERVERS, env),
  allowPrivate: e.TOOL_SERVERS_ALLOW_PRIVATE,
  checkSeconds: e.TOOL_CHECK_SECONDS,
  checkTimeoutMs: e.TOOL_CHECK_TIMEOUT_MS,
  startTimeoutMs: e.TOOL_START_TIMEOUT_MS,
  idleMs: e.TOOL_IDLE_SECONDS * 1000,
});
