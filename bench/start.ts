import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { demoLog, playStory } from '../cli/story';
import { localFile, type Local } from '../cli/local-file';
import { childEnvironment, root, type Config } from '../config';
import { usedMemory } from './cpu';
import { median, type Row } from './row';
import { isNoPython, ready } from './stack';

const parts = ['api', 'worker'];
const warmStarts = 3;
const megabytes = 2 ** 20;

/** From the command to the first answer, as `npm start` does it: the first time in a folder, and after that; then the story. */
export async function start(config: Config): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'wheelhouse-start-'));
  try {
    chmodSync(folder, 0o711);
    const cache = join(config.dataDir, 'cache');
    if (existsSync(cache)) cpSync(cache, join(folder, 'cache'), { recursive: true, filter: isNoPython });
    const [first] = await running(folder, () => Promise.resolve());
    const warm: number[] = [];
    for (let n = 1; n < warmStarts; n += 1) warm.push((await running(folder, () => Promise.resolve()))[0]);
    const [last, { before, after }] = await running(folder, async (local) => {
      const before = usedMemory(parts);
      await playStory(local, { name: 'auth.log', text: demoLog() }, () => undefined);
      return { before, after: usedMemory(parts) };
    });
    const seconds = median([...warm, last]);
    const sum = (of: ReadonlyMap<string, number>): number => [...of.values()].reduce((a, b) => a + b, 0) / megabytes;
    const each = (of: ReadonlyMap<string, number>): string =>
      [...of].map(([part, bytes]) => `${part} ${(bytes / megabytes).toFixed(0)}`).join(' + ');
    return [
      {
        what: 'start, warm',
        measured: `${seconds.toFixed(1)} s`,
        beside: `the first in its folder ${first.toFixed(1)} s`,
        reach: '≤ 8 s',
        reached: seconds <= 8,
      },
      {
        what: 'memory of API and worker after the story',
        measured: `${sum(after).toFixed(0)} MB (${each(after)})`,
        beside: `before it ${each(before)}`,
        reach: '≤ 400 MB',
        reached: sum(after) <= 400,
      },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Seconds until it answers, and what `work` found while it ran. */
async function running<T>(folder: string, work: (local: Local) => Promise<T>): Promise<[number, T]> {
  rmSync(localFile(folder), { force: true }); // written anew when all is ready
  const from = performance.now();
  const up = spawn(process.execPath, [join(root, 'bin/wheelhouse.mjs'), 'up'], {
    env: childEnvironment({ WHEELHOUSE_DATA_DIR: folder, PORT: '0', LOG_LEVEL: 'warn', DATABASE_URL: null, TEMPORAL_ADDRESS: null }),
    stdio: ['ignore', 'ignore', 'inherit'],
  }); // prettier-ignore
  const ended = once(up, 'exit');
  try {
    const early = ended.then(() => Promise.reject(new Error('the installation ended before it was ready')));
    const local = await Promise.race([ready(folder), early]);
    return [(performance.now() - from) / 1000, await work(local)];
  } finally {
    up.kill('SIGINT');
    await ended;
  }
}
