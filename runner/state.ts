import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessId } from './proc';

// What a supervisor (shim.ts) and those who attend to it tell each other, in a folder beside the agent's own.

/** What may end a command before it does so itself. */
export const limits = ['time', 'silence', 'memory', 'output', 'stop', 'unattended'] as const;
export type Limit = (typeof limits)[number];

/** What a supervisor is told, on its standard input: it has secrets, so it is in no file and no command line. */
export interface Spec {
  processId: string;
  stateDir: string;
  workDir: string;
  logFile: string;
  /** The first line of the log. */
  title: string;
  argv: string[];
  env: Record<string, string>;
  /** Null: none. */
  timeMs: number | null;
  silenceMs: number;
  /** Of all processes together, as they are in memory. */
  memoryBytes: number;
  outputBytes: number;
  /** So long after the last sign of somebody who attends to it, it is ended: nobody would hear of its end. */
  unattendedMs: number;
  /** Between asking and killing. */
  graceMs: number;
}

/** Whoever has a launch: the supervisor that took it up, or the worker that gave it up before one did. */
export interface Claim extends ProcessId {
  givenUp?: true | undefined;
}
export interface Started {
  supervisor: ProcessId;
  leader: ProcessId;
}
export interface Exit {
  code: number | null;
  signal: string | null;
  limit: Limit | null;
  /** Why it could not be started, or supervised. */
  error: string | null;
  outputBytes: number;
  peakBytes: number;
  endedAt: string;
}

export const filesOf = (stateDir: string) => ({
  /** Made by whoever was first: one launch has one. */
  claim: join(stateDir, 'claim.json'),
  started: join(stateDir, 'started.json'),
  exit: join(stateDir, 'exit.json'),
  /** Touched by who attends. */
  attended: join(stateDir, 'attended'),
});

/** All of it: one call may write less than it was given. */
export function writeAll(file: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
}

/** Appears whole or not at all, also after a power cut. */
export function writeWhole(path: string, text: string, mode = 0o600): void {
  const temporary = `${path}.${randomUUID()}`;
  const file = openSync(temporary, 'wx', mode);
  try {
    writeAll(file, Buffer.from(text));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
}

/** Takes a launch, once for ever. False: somebody has it. */
export function take(stateDir: string, claim: Claim): boolean {
  const path = filesOf(stateDir).claim;
  const mine = `${path}.${randomUUID()}`;
  writeWhole(mine, JSON.stringify(claim));
  try {
    linkSync(mine, path); // whole from its first moment, and only once
    return true;
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw e;
  } finally {
    rmSync(mine);
  }
}
