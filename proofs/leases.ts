import { percentile } from '../bench/row';
import { judge } from './leases/judge';
import { killSwitch } from './leases/kill-switch';
import { life, planOf, plans, type Lived } from './leases/life';
import { sweepSeconds, withWorld } from './leases/world';
import type { Options, Outcome, Proof } from './proof';
import { random } from './random';

/** Leases that live at one time. */
const width = 6;
/** Seconds by which the clocks of API and workers are wrong, one after the other. */
const jumps = [3_600, -7_200, 90, 86_400, -90, 0];

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)}s`;

async function run(options: Options): Promise<Outcome> {
  const { count, seed, say } = options;
  return withWorld(options, async (w) => {
    const violations: string[] = [];
    const lived: Lived[] = [];
    let next = 0;
    let jumped = 0;
    const lives = Array.from({ length: width }, async () => {
      for (let n = next++; n < count; n = next++) {
        const chance = random(seed + n);
        const plan = planOf(n, chance);
        if (w.jump(jumps[n % jumps.length] ?? 0)) jumped += 1;
        const done = await life(w, plan, chance).catch((e: unknown) =>
          violations.push(`${JSON.stringify(plan)}: ${String(e)}`),
        );
        if (typeof done === 'number') continue;
        lived.push(done);
        say(
          `${n + 1}/${count} ${plan.keeper}: ${plan.granting}, ${plan.revoking}, ${plan.end}: ${done.used} uses, ${seconds(done.tookMs)}`,
        );
      }
    });
    await Promise.all(lives);
    w.jump(0);
    await w.provider.order({ mishaps: [], slowMs: 0 });
    const kill = await killSwitch(w);
    if (kill.late) violations.push(`${kill.late} effects later than a second after the kill switch`);
    await w.c.settle().catch((e: unknown) => violations.push(`stuck: ${String(e)}`));
    const { found, tally } = await judge(w);
    violations.push(...found);
    // What never came about was not attacked.
    if (count >= plans.length && tally.vaultGrants === 0) violations.push('the vault has lent nothing');
    const { rows: calls } = await w.db.query<{ said: string; n: number }>(
      `select decision || coalesce(' ' || (reasons -> 0 ->> 'code'), '') as said, count(*)::int as n from executions
       where tool = 'effect.use' group by 1 order by 1`,
    );
    say(`calls that use a lease: ${calls.map(({ said, n }) => `${n} ${said}`).join(', ')}`);
    const took = (of: (end: string) => boolean): number[] => lived.filter((l) => of(l.plan.end)).map((l) => l.tookMs);
    const terminated = took((end) => end.includes('terminated'));
    const { rows } = await w.db.query<{ fenced: number }>(
      `select count(*)::int as fenced from log where kind = 'execution.deny' and reason = 'run_fenced'`,
    );
    return {
      figures: {
        plans: new Set(lived.map((l) => Object.values(l.plan).join('/'))).size,
        grants: tally.grants,
        vault_grants: tally.vaultGrants,
        uses: tally.uses,
        uses_after_end: tally.late,
        orphans: tally.orphans,
        double_grants: tally.doubles,
        provider_deaths: w.provider.deaths,
        clock_jumps: jumped || 'none: libfaketime is not installed',
        revoked_p50: seconds(
          percentile(
            took((end) => !end.includes('terminated')),
            0.5,
          ),
        ),
        revoked_max: seconds(Math.max(...took((end) => !end.includes('terminated')))),
        unconfirmed_max: seconds(tally.unconfirmedMs),
        swept_every: `${sweepSeconds}s`,
        swept_max: seconds(Math.max(0, ...terminated)),
        fenced_calls: rows[0]?.fenced ?? 0,
        kill_switch_last_effect: `${kill.lastMs}ms`,
        kill_switch_late: kill.late,
      },
      violations,
    };
  });
}

export const leases: Proof = {
  title: `provider or vault down, slow, killed, unheard, clocks wrong: no use after a lease's end, and none outlives its row`,
  quick: plans.length,
  waits: true,
  run,
};
