import { randomInt } from 'node:crypto';
import { productionBinaries } from '../bench/production/binaries';
import { childEnvironment, type Config } from '../config';
import { crash } from './crash';
import { crowd } from './crowd';
import { authority } from './authority';
import { decision } from './decision';
import { fuzz } from './fuzz';
import { isolation } from './isolation';
import { leases } from './leases';
import { log } from './log';
import { network } from './network';
import { retries } from './retries';
import { replay } from './replay';
import { production } from './production';
import { pages } from './pages';
import type { Form, Proof } from './proof';
import { rollout } from './rollout';
import { steps } from './steps';

/**
 * What `npm run prove` knows; `quick` runs all of them with the counts of CI, two at a time: those that wait for deadlines
 * beside those that compute, first those that are hardly disturbed by that.
 */
export const proofs: Record<string, Proof> = {
  leases,
  rollout,
  steps,
  network,
  replay,
  pages,
  isolation,
  authority,
  log,
  crash,
  decision,
  crowd,
  retries,
  fuzz,
  production,
};

export interface Wanted {
  count: number | null;
  seed: number | null;
  /** Null: what the proof is about, else the embedded one. */
  form: Form | null;
}

/** Prints one last line of figures; a failure also says how to repeat it. Answers whether it holds. */
async function prove(name: string, proof: Proof, config: Config, wanted: Wanted): Promise<boolean> {
  const seed = wanted.seed ?? randomInt(1, 2 ** 31);
  const count = wanted.count ?? proof.quick;
  const from = performance.now();
  const form = wanted.form ?? proof.form ?? 'embedded';
  const say = (line: string): void => void process.stderr.write(`  ${line}\n`);
  const outcome = await proof.run({ config, count, seed, form, say }).catch((e: unknown) => ({
    figures: {},
    violations: [e instanceof Error ? (e.stack ?? e.message) : String(e)],
  }));
  const seconds = ((performance.now() - from) / 1000).toFixed(0);
  const figures = Object.entries(outcome.figures).map(([k, v]) => `${k}=${v}`);
  const holds = outcome.violations.length === 0;
  for (const violation of outcome.violations.slice(0, 20)) process.stdout.write(`VIOLATION ${violation}\n`);
  if (!holds) {
    const again = `npm run prove -- ${name} --count ${count} --seed ${seed} --form ${form}`;
    process.stdout.write(`Repeat it: ${again}\n`);
  }
  process.stdout.write(
    `${holds ? 'ok    ' : 'FAILED'} ${name} (${form}, ${seconds} s): count=${count} ${figures.join(' ')} violations=${outcome.violations.length} seed=${seed}\n`,
  );
  return holds;
}

/** Run by their names only: what it says next is chance, and its quick form is not short enough yet. */
const byName: ReadonlySet<string> = new Set(['fuzz']);

/** @throws Error naming the proofs there are */
export async function proveAll(name: string, config: Config, wanted: Wanted): Promise<void> {
  const chosen = Object.entries(proofs).filter(([n]) => (name === 'quick' ? !byName.has(n) : n === name));
  if (!chosen.length) throw new Error(`there is no proof ${name}; there are: quick, ${Object.keys(proofs).join(', ')}`);
  const lackingOf = async (proof: Proof): Promise<string | null> =>
    name !== 'quick' ? null : proof.form === 'production' ? notBuilt(config) : (proof.lacks?.() ?? null);
  let failed = 0;
  const next = async (own: typeof chosen, others: typeof chosen): Promise<void> => {
    for (let one = own.shift() ?? others.pop(); one; one = own.shift() ?? others.pop()) {
      const [known, proof] = one;
      const lacking = await lackingOf(proof);
      if (lacking !== null) process.stdout.write(`skipped ${known}: ${lacking}\n`);
      else if (!(await prove(known, proof, config, wanted))) failed += 1;
    }
  };
  const [waiting, computing] = [true, false].map((waits) => chosen.filter(([, p]) => (p.waits ?? false) === waits)) as [
    typeof chosen,
    typeof chosen,
  ];
  await Promise.all([next(waiting, computing), next(computing, waiting)]);
  if (failed) throw new Error(`${failed} of ${chosen.length} proofs failed`);
}

/** Why the production form can't be had without building it, which takes longer than all that is quick; null: it can. */
async function notBuilt({ dataDir }: Config): Promise<string | null> {
  const { signal } = new AbortController();
  const search = { dataDir, path: childEnvironment({})['PATH'] ?? '', report: () => undefined, signal };
  return productionBinaries(search, false).then(
    () => null,
    (e: unknown) => (e instanceof Error ? e.message : String(e)),
  );
}
