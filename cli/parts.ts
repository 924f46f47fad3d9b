import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { childEnvironment, type Config } from '../config';
import { findBinary, temporalCli } from './binaries';
import { devServer } from './dev-server';
import { embeddedPostgres } from './embedded-postgres';
import { freePorts } from './free-port';
import { registerSearchAttributes } from './search-attributes';
import type { Supervisor } from './supervise';

type Report = (line: string) => void;

/** Answers the owner's URL of the database: DATABASE_URL, else that of an embedded Postgres, which is started. */
export async function provideDatabase(config: Config, supervisor: Supervisor, report: Report): Promise<string> {
  if (config.databaseUrl) {
    report('Postgres: DATABASE_URL');
    return config.databaseUrl;
  }
  const [port = 0] = await freePorts(1);
  const { program, url } = await embeddedPostgres({
    dataDir: config.dataDir,
    port,
    durable: true,
  });
  await supervisor.start(program);
  return url;
}

export interface TemporalPart {
  address: string;
  ui: string | null;
  /** What API and worker need to reach it. */
  environment: Record<string, string | null>;
}

/** The server named by the SDK's own environment, else an embedded one, which is started. */
export async function provideTemporal(config: Config, supervisor: Supervisor, report: Report): Promise<TemporalPart> {
  const environment = childEnvironment({});
  const external = externalAddress(environment);
  if (external !== null) {
    report(`Temporal: ${external}, as the environment says`);
    await registerSearchAttributes(report);
    return { address: external, ui: config.temporalUi, environment: {} };
  }
  const cli = await findBinary(temporalCli, {
    dataDir: config.dataDir,
    path: environment['PATH'] ?? '',
    signal: supervisor.stopped,
    report,
  });
  const [grpc = 0, ui = 0] = await freePorts(2);
  const server = devServer(cli, config.dataDir, { grpc, ui }, environment['TEMPORAL_NAMESPACE']);
  await supervisor.start(server.program);
  return { address: server.address, ui: server.ui, environment: onlyEmbedded(config, environment, server) };
}

/**
 * A profile counts only when it is asked for: the Temporal CLI's default one often points at somebody's cloud account.
 */
function externalAddress(environment: NodeJS.ProcessEnv): string | null {
  if (environment['TEMPORAL_ADDRESS']) return environment['TEMPORAL_ADDRESS'];
  if (!environment['TEMPORAL_PROFILE'] && !environment['TEMPORAL_CONFIG_FILE']) return null;
  return loadClientConnectConfig().connectionOptions.address ?? null;
}

/** Keys and certificates for another server, from the environment or a default profile, must not reach the embedded one. */
function onlyEmbedded(config: Config, environment: NodeJS.ProcessEnv, server: { address: string; ui: string }) {
  const empty = join(config.dataDir, 'temporal.toml');
  writeFileSync(empty, '[profile.default]\n');
  const foreign = Object.keys(environment).filter(
    (name) => name.startsWith('TEMPORAL_') && name !== 'TEMPORAL_NAMESPACE',
  );
  return {
    ...Object.fromEntries(foreign.map((name) => [name, null])),
    TEMPORAL_CONFIG_FILE: empty,
    TEMPORAL_ADDRESS: server.address,
    TEMPORAL_UI_URL: server.ui,
  };
}
