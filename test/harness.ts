import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Client } from 'pg';
import { startApi } from '../api/main';
import { loadConfig, type Config } from '../config';
import { ensureUser, insertKey, provisionTenant } from '../log/provision';
import { startWorker, type RunningWorker } from '../workers/main';
import { bundlePath, freshDatabase, temporal } from './stack';
import { pause } from './until';

export interface Server {
  url: string;
  config: Config;
  /** The owner's, past row-level security: for looking, and for tampering. */
  owner: Client;
  tenantId: string;
  /** Of the tenant's administrator, with every scope. */
  token: string;
  admin: { email: string; password: string };
  /** Calls as the administrator. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Calls with another credential. */
  as(token: string): Server['call'];
  /** A user of the tenant, with a key. */
  user(role: string): Promise<{ id: string; token: string; email: string; password: string }>;
  /** Another tenant with its administrator's key. Its four-eyes policy is strict unless told otherwise. */
  tenant(fourEyes?: 'strict' | 'agent_only'): Promise<{ tenantId: string; token: string }>;
  stopWorker(): Promise<void>;
  startWorker(): Promise<void>;
  close(): Promise<void>;
}
export interface Answer {
  status: number;
  headers: Headers;
  // The wire is what is under test: each test says what it expects of it.
  body: any;
  text: string;
}

export const caller =
  (url: string, token: string): Server['call'] =>
  async (method, path, body, headers = {}) => {
    const json = body !== undefined && !(body instanceof FormData) && typeof body !== 'string';
    const res = await fetch(url + path, {
      method,
      headers: {
        ...(token && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && !(body instanceof FormData) && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: json ? JSON.stringify(body) : body }),
    });
    const text = await res.text();
    const isJson = /[/+]json\b/.test(res.headers.get('content-type') ?? '');
    return { status: res.status, headers: res.headers, text, body: isJson && text ? JSON.parse(text) : null };
  };

/** API and worker in this process, on a database and task queues of the test's own. */
export async function startServer(settings: Record<string, string> = {}, { worker = true } = {}): Promise<Server> {
  const database = await freshDatabase();
  const dataDir = mkdtempSync(join(tmpdir(), 'wheelhouse-data-'));
  // The workflows are compiled once for all tests; making the bundle takes longer than all else that a server starts with.
  symlinkSync(dirname(bundlePath()), join(dataDir, 'cache'));
  const masterKey = randomBytes(32);
  const config = loadConfig({
    PORT: '0',
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: temporal().address,
    WHEELHOUSE_MASTER_KEY: masterKey.toString('base64'),
    WHEELHOUSE_DATA_DIR: dataDir,
    TASK_QUEUE_PREFIX: `t${randomBytes(5).toString('hex')}`,
    METRICS_TOKEN: 'metrics-token-of-tests',
    RATE_LIMIT_PER_MINUTE: '1000000',
    ORCHESTRATION_RATE_LIMIT_PER_HOUR: '1000000',
    ORCHESTRATION_RATE_LIMIT_PER_MINUTE: '1000000',
    TENANT_QUOTAS: 'false',
    LOG_LEVEL: 'silent',
    TEMPORAL_UI_URL: 'http://127.0.0.1:8233',
    DATABASE_POOL: '10',
    ...settings,
  });
  const admin = { email: 'admin@local.test', password: randomUUID() };
  const provision = (slug: string, fourEyes: 'strict' | 'agent_only') =>
    provisionTenant(database.url, {
      slug, fourEyes, operatorSignals: fourEyes === 'agent_only', adminEmail: admin.email, adminPassword: admin.password,
      adminRole: slug === 'local' ? 'platform-admin' : 'ADMIN', masterKey, apiKey: null,
    }); // prettier-ignore
  const { tenantId, apiKey } = await provision('local', 'agent_only');
  const owner = new Client({ connectionString: database.url });
  await owner.connect();
  const api = await startApi(config);
  let running: RunningWorker | null = worker ? await startWorker(config) : null;
  const stopWorker = async () => {
    await running?.close();
    running = null;
  };
  return {
    url: api.url,
    config,
    owner,
    tenantId,
    token: apiKey,
    admin,
    call: caller(api.url, apiKey),
    as: (token) => caller(api.url, token),
    async user(role) {
      const email = `${role.toLowerCase()}-${randomBytes(4).toString('hex')}@local.test`;
      const password = randomUUID();
      const id = await ensureUser(owner, tenantId, email, password, role);
      return { id, email, password, token: await insertKey(owner, { tenantId, name: email, role, userId: id }) };
    },
    async tenant(fourEyes = 'strict') {
      const made = await provision(`t-${randomBytes(4).toString('hex')}`, fourEyes);
      return { tenantId: made.tenantId, token: made.apiKey };
    },
    stopWorker,
    async startWorker() {
      running ??= await startWorker(config);
    },
    async close() {
      await api.close();
      await stopWorker();
      await owner.end();
      await database.drop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Another API of the same house, which cannot reach Temporal and soon says so. */
export const withoutTemporal = ({ config }: Server): ReturnType<typeof startApi> =>
  startApi({ ...config, temporalAddress: '127.0.0.1:1', workflowPatienceMs: 500 });

/** Waits for a condition, not for a time: until `look` gives something, or it has had long enough. */
export async function until<T>(
  look: () => Promise<T | null | undefined | false>,
  what = 'a condition',
  patienceMs = 60_000,
): Promise<T> {
  for (const from = Date.now(); ; await pause(from)) {
    const seen = await look();
    if (seen) return seen;
    if (Date.now() > from + patienceMs) throw new Error(`waited ${patienceMs} ms for ${what}`);
  }
}
