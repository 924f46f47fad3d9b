import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Pool } from 'pg';
import { freePorts } from '../../cli/free-port';
import { Reaper } from '../../cli/reaper';
import { childEnvironment } from '../../config';
import { withCluster, type Cluster, type Tenant } from '../cluster/cluster';
import { leased } from '../cluster/effect';
import { partOf, type Part } from '../cluster/part';
import { script } from '../cluster/programs';
import { caller, type Caller } from '../crash/caller';
import type { Options } from '../proof';
import { linesOf } from './ledger';
import type { Orders, ProviderLine } from './line';
import { login, reading } from './vault';

export const sweepSeconds = 5;
/** The product gives up on an answer after this long, and asks again. */
export const timeoutMs = 1_500;

/** Jumps the clock of API and workers while they run; null where libfaketime is not installed. */
const library = ['x86_64', 'aarch64']
  .map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`)
  .find((path) => existsSync(path));

/** Who keeps a lease's credential. */
export const keepers = ['http', 'vault'] as const;
export type Keeper = (typeof keepers)[number];
/** Of the tenant whose the vault is. */
const vaulted = 'vaulted';

export interface World {
  c: Cluster;
  /** One for each keeper of credentials. */
  tenants: Record<Keeper, Tenant>;
  calls: Caller;
  db: Pool;
  provider: {
    lines: () => ProviderLine[];
    order: (orders: Orders) => Promise<void>;
    /** Away for that long. */
    down: (ms: number) => Promise<void>;
    /** How often its process ended. */
    readonly deaths: number;
  };
  /** False: it can't. */
  jump: (seconds: number) => boolean;
}

/** Starts the provider again whenever it died, unless it is to stay away. */
function keep(part: Part, over: AbortSignal) {
  let until = 0;
  let deaths = 0;
  const keeping = (async () => {
    while (!over.aborted) {
      await pause(20);
      if (part.pid !== null || over.aborted) continue;
      deaths += 1;
      while (performance.now() < until) await pause(20);
      await part.start();
    }
  })();
  return {
    keeping,
    down: async (ms: number): Promise<void> => {
      until = performance.now() + ms;
      await part.kill();
    },
    deaths: () => deaths,
  };
}

/** As somebody runs each of them; a call that nothing acknowledges is repeated at the next API. */
const sizes = { embedded: { apis: 1, workers: 2 }, production: { apis: 2, workers: 3 } };

/** A cluster whose credentials come from a provider in a process of its own: over its own protocol, and over that of a vault. */
export async function withWorld<T>({ config, form }: Options, work: (world: World) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'wheelhouse-leases-'));
  const reaper = new Reaper();
  reaper.folder(folder);
  const over = new AbortController();
  const file = join(folder, 'provider.jsonl');
  const clock = join(folder, 'clock');
  writeFileSync(clock, '+0\n');
  const [port = 0] = await freePorts(1);
  const token = randomBytes(16).toString('hex');
  const url = `http://127.0.0.1:${port}`;
  const part = partOf(
    script('provider', folder, childEnvironment({}), 'proofs/leases/provider.js', [file, String(port), token]),
    reaper,
    over.signal,
  );
  const env = {
    CREDENTIAL_PROVIDER_URL: url,
    CREDENTIAL_PROVIDER_SECRET: token,
    CREDENTIAL_PROVIDER_TIMEOUT_MS: String(timeoutMs),
    VAULT_ADDR: url, VAULT_ROLE_ID: login.roleId, VAULT_SECRET_ID: login.secretId, VAULT_TENANT: vaulted,
    VAULT_TIMEOUT_MS: String(timeoutMs),
    VAULT_SECRETS: JSON.stringify([{ system: leased.system, path: reading.path, policies: [reading.policy], field: 'password' }]),
    SWEEP_SECONDS: String(sweepSeconds),
    ...(library !== undefined && {
      LD_PRELOAD: library, FAKETIME_TIMESTAMP_FILE: clock, FAKETIME_DONT_FAKE_MONOTONIC: '1', FAKETIME_CACHE_DURATION: '1',
    }),
  }; // prettier-ignore
  try {
    await part.start();
    const { down, deaths, keeping } = keep(part, over.signal);
    const order = async (orders: Orders): Promise<void> => {
      for (;;) {
        const told = await fetch(`${url}/orders`, { method: 'POST', body: JSON.stringify(orders) }).catch(() => null);
        if (told?.ok) return;
        await pause(20); // it is dead just now
      }
    };
    try {
      return await withCluster({ config, form, ...sizes[form], env }, async (c) => {
        const db = new Pool({ connectionString: c.databaseUrl, max: 8 });
        try {
          return await work({
            c,
            tenants: { http: c, vault: await c.tenant(vaulted) },
            calls: caller(c.apiUrls),
            db,
            provider: {
              lines: () => linesOf(file),
              order,
              down,
              get deaths() {
                return deaths();
              },
            },
            jump: (seconds) => {
              if (library !== undefined) writeFileSync(clock, `${seconds < 0 ? '' : '+'}${seconds}\n`);
              return library !== undefined;
            },
          });
        } finally {
          await db.end();
        }
      });
    } finally {
      over.abort();
      await keeping;
    }
  } finally {
    over.abort();
    await part.kill();
    rmSync(folder, { recursive: true, force: true });
    reaper.close();
  }
}
