import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { root, type Config } from '../config';
import type { Form } from '../proofs/proof';
import { alerts } from './alerts';
import { audit } from './audit';
import { dashboard } from './dashboard';
import { execute } from './execute';
import { gates } from './gates';
import { investigations } from './investigations';
import { log } from './log';
import { openGates } from './open-gates';
import { peers } from './peers';
import { reads } from './reads';
import { table, type Bench, type Row } from './row';
import { runs } from './runs';
import { start } from './start';
import { transparency } from './transparency';
import { worklist } from './worklist';

const benches: Record<string, Bench> = {
  alerts,
  audit,
  dashboard,
  execute,
  gates,
  investigations,
  log,
  'open-gates': openGates,
  peers,
  reads,
  runs,
  start,
  transparency,
  worklist,
};

/** Runs one bench, or all, and prints a table. @throws Error naming the benches there are */
export async function bench(
  name: string | null,
  config: Config,
  { seconds, form, write }: { seconds: number; form: Form; write: boolean },
): Promise<void> {
  const chosen = Object.entries(benches).filter(([n]) => name === null || n === name);
  if (!chosen.length) throw new Error(`there is no bench ${name}; there are: ${Object.keys(benches).join(', ')}`);
  const rows: Row[] = [];
  for (const [known, run] of chosen) {
    process.stderr.write(`${known} …\n`);
    rows.push(...(await run(config, seconds, form)));
  }
  const text = `${machine()} Temporal: ${form}.\n\n${table(rows)}\n`;
  process.stdout.write(text);
  if (write) writeFileSync(join(root, 'bench/RESULTS.md'), `# Results\n\n${text}`);
}

const machine = (): string =>
  `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}, commit ${commit()}.`;

const commit = (): string => {
  try {
    const git = ['rev-parse', '--short', 'HEAD'];
    return execFileSync('git', git, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return 'unknown'; // not a checkout
  }
};
