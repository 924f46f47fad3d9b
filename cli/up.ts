import { join } from 'node:path';
import { childEnvironment, root, type Config } from '../config';
import { migrate } from '../db/migrate';
import { provisionTenant } from '../log/provision';
import { takeDataDir } from './data-dir';
import { assertFree, freePorts } from './free-port';
import { localFile, readLocal, writeLocal, type Local } from './local-file';
import { logFile } from './log-file';
import { provideDatabase, provideTemporal } from './parts';
import { masterKeyOf, secret } from './secrets';
import { Supervisor, type Program } from './supervise';

const ADMIN = 'admin@local.test';
const report = (line: string) => process.stdout.write(`${line}\n`);

/** Starts everything that is not there yet, keeps it running, and returns when it was asked to stop and has stopped it all. */
export async function up(config: Config): Promise<void> {
  const asked = new Promise<string>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => resolve(signal));
  });
  const started = Date.now();
  const letGo = await takeDataDir(config.dataDir);
  try {
    if (config.port !== 0) await assertFree(config.host, config.port);
  } catch (error) {
    letGo();
    throw error;
  }
  const supervisor = new Supervisor(report);
  const ready = startAll(config, supervisor).then((local) => announce(config, local, Date.now() - started));
  try {
    await Promise.race([asked, ready]);
    await asked;
    report('Stopping …');
  } finally {
    await supervisor.stop();
    // A start that was interrupted still has to let go of what it was at.
    await Promise.allSettled([ready]);
  }
}

async function startAll(config: Config, supervisor: Supervisor): Promise<Local> {
  const port = config.port === 0 ? ((await freePorts(1))[0] ?? 0) : config.port;
  const masterKey = masterKeyOf(config);
  const metricsToken = config.metricsToken ?? secret(config.dataDir, 'metrics.token', 'base64url', 24);
  const parts = [prepareDatabase(config, supervisor, masterKey), provideTemporal(config, supervisor, report)] as const;
  const [{ databaseUrl, tenant }, temporal] = await Promise.all(parts).catch(async (error: unknown) => {
    // The other part may be in the middle of making a cluster or fetching a binary.
    await supervisor.stop();
    await Promise.allSettled(parts);
    throw error;
  });
  const env = childEnvironment({
    ...temporal.environment,
    PORT: String(port),
    WHEELHOUSE_DATA_DIR: config.dataDir,
    WHEELHOUSE_MASTER_KEY: masterKey.toString('base64'),
    METRICS_TOKEN: metricsToken,
    DATABASE_URL: databaseUrl,
  });
  const services = (['worker', 'api'] as const).map((command) => ownProgram(config.dataDir, command, env));
  await Promise.all(services.map((program) => supervisor.start(program)));
  const host = ['0.0.0.0', '::'].includes(config.host) ? '127.0.0.1' : config.host;
  const local: Local = {
    url: `http://${host}:${port}`,
    tenant_id: tenant.id,
    token: tenant.token,
    metrics_token: metricsToken,
    temporal_ui: temporal.ui,
    temporal_address: temporal.address,
    database_url: databaseUrl,
    admin: tenant.admin,
  };
  writeLocal(config.dataDir, local);
  return local;
}

async function prepareDatabase(config: Config, supervisor: Supervisor, masterKey: Buffer) {
  const databaseUrl = await provideDatabase(config, supervisor, report);
  await migrate(databaseUrl);
  const admin = { email: ADMIN, password: secret(config.dataDir, 'admin.password', 'base64url', 15) };
  const { tenantId, apiKey } = await provisionTenant(databaseUrl, {
    slug: 'local',
    fourEyes: 'agent_only',
    operatorSignals: true,
    adminEmail: admin.email,
    adminPassword: admin.password,
    adminRole: 'platform-admin',
    masterKey,
    apiKey: readLocal(config.dataDir)?.token ?? null,
  });
  return { databaseUrl, tenant: { id: tenantId, token: apiKey, admin } };
}

/** One of this program's own commands, as a process of its own. It says by a message that it is ready. */
function ownProgram(dataDir: string, command: 'api' | 'worker', env: NodeJS.ProcessEnv): Program {
  return {
    name: command === 'api' ? 'API' : 'Worker',
    command: process.execPath,
    // Without --enable-source-maps, which keeps 20 MB of them: whoever wants it sets NODE_OPTIONS.
    args: [join(root, 'dist/cli/main.js'), command],
    env,
    user: null,
    ipc: true,
    stopSignal: 'SIGTERM',
    logFile: logFile(dataDir, command),
    prepare: () => Promise.resolve(),
    ready: (child) => new Promise((resolve) => child.once('message', () => resolve())),
  };
}

function announce(config: Config, local: Local, tookMs: number): void {
  const file = localFile(config.dataDir);
  const ticket = JSON.stringify({
    title: 'Checkout is slow',
    description: 'Since the deployment of 14:00',
    priority: '1',
  });
  report(
    [
      '',
      `Wheelhouse is ready (${(tookMs / 1000).toFixed(1)} s).`,
      `  API          ${local.url}`,
      `  Docs         ${local.url}/docs`,
      `  Temporal UI  ${local.temporal_ui ?? 'not known: set TEMPORAL_UI_URL'}`,
      `  Credentials  ${file}`,
      `  Logs         ${join(config.dataDir, 'logs')}`,
      '',
      'Open a ticket, or run `npm run demo` to see the whole story:',
      `  curl -s ${local.url}/api/tickets -H "Authorization: Bearer $(node -p 'require("${file}").token')" \\`,
      `    -H 'Content-Type: application/json' -d '${ticket}'`,
      '',
      'Ctrl-C stops everything.',
    ].join('\n'),
  );
}
