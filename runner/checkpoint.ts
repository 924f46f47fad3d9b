import { join } from 'node:path';
import { z } from 'zod';
import { storableText } from '../domain/storable';
import { readPart } from './files';
import type { GivenFile } from './put-files';

/** How far an agent says it is. */
export interface Checkpoint {
  step: string;
  status: string;
  output: string | null;
  /** Of 100. */
  progress: number;
}

const word = z.string().trim().min(1).max(100).transform(storableText);
const File = z.object({
  step: word,
  status: word.transform((status) => status.toLowerCase()),
  output: z.union([z.string(), z.null()]).optional(),
  progress_pct: z.coerce.number().min(0).max(100).catch(0),
});
const name = 'checkpoint.json';
const mostBytes = 64 * 1024;
const mostOutput = 500;

/** Null while there is none, or an agent is in the middle of writing it: then the next look has it. */
export function readCheckpoint(workDir: string): Checkpoint | null {
  const text = readPart(join(workDir, name), 0, mostBytes)?.bytes.toString('utf8');
  if (!text) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null; // half of it
  }
  const read = File.safeParse(value);
  if (!read.success) return null;
  const { step, status, output, progress_pct } = read.data;
  const said = output === null || output === undefined ? null : storableText(output.slice(0, mostOutput));
  return { step, status, output: said, progress: Math.floor(progress_pct) };
}

/** As the runner leaves it before a launch: what waits no longer, or waited, goes on. */
export function checkpointFile(taskId: number, c: Checkpoint): GivenFile {
  const { step, status, output, progress } = c;
  const file = { task_id: taskId, step, status, output, progress_pct: progress, timestamp: new Date().toISOString() };
  return { name, text: `${JSON.stringify(file, null, 2)}\n` };
}
