import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../config';

/** What a tool server is to do wrong from now on. */
export interface Wrong {
  list?: 'hang' | 'die' | 'endless' | 'many' | 'other-form';
  tools?: 'changed' | 'ill-formed' | 'slow-pattern' | 'echo';
  call?: 'hang' | 'die' | 'flood' | 'much' | 'refuse' | 'lie' | 'secret';
  http?: number;
  /** Milliseconds that a program takes to begin. */
  begin?: number;
  stubborn?: boolean;
}
/** What it was asked, and how it was begun. */
export interface Seen {
  tool?: string;
  args?: Record<string, unknown>;
  meta?: Record<string, unknown>;
  pids?: number[];
  env?: string[];
  method?: string;
  /** Path and query. */
  url?: string;
  authorization?: string | null;
}

export interface StubMcp {
  /** Of the one over HTTP. */
  url: string;
  /** What begins one over stdio. */
  program: { command: string; args: string[] };
  does(wrong: Wrong): void;
  seen(): Seen[];
  /** The calls of tools alone. */
  calls(): string[];
  /** Of every process that was begun over stdio, and what each began. */
  pids(): number[];
  close(): Promise<void>;
}

/** A real tool server (test/mcp/server.cjs), over HTTP and over stdio, that does wrong what it is told to. */
export async function stubMcp(): Promise<StubMcp> {
  const folder = mkdtempSync(join(tmpdir(), 'wheelhouse-mcp-'));
  const script = join(root, 'test/mcp/server.cjs');
  const does = (wrong: Wrong): void => writeFileSync(join(folder, 'control.json'), JSON.stringify(wrong));
  does({});
  const http = fork(script, ['http', folder], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const [{ port }] = (await once(http, 'message')) as [{ port: number }];
  const seen = (): Seen[] => {
    const file = join(folder, 'asked.jsonl');
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
    return lines.map((line) => JSON.parse(line) as Seen);
  };
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    program: { command: process.execPath, args: [script, 'stdio', folder] },
    does,
    seen,
    calls: () => seen().flatMap((s) => (s.tool === undefined ? [] : [s.tool])),
    pids: () => seen().flatMap((s) => s.pids ?? []),
    async close() {
      const gone = once(http, 'exit');
      http.disconnect();
      await gone;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
