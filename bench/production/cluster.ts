import { writeFileSync } from 'node:fs';
import { dynamicConfig } from '../../cli/dev-server';
import { freePorts } from '../../cli/free-port';

const services = ['frontend', 'matching', 'history', 'worker'];

/** For the four services' calls (the first is what clients connect to), and for their ring. */
export async function clusterPorts() {
  const ports = await freePorts(2 * services.length);
  return { rpc: ports.slice(0, services.length), ring: ports.slice(services.length) };
}

export interface Cluster {
  /** Of Postgres, on this machine. */
  database: { port: number; user: string; password: string };
  ports: Awaited<ReturnType<typeof clusterPorts>>;
  dynamicConfigFile: string;
  tuned: boolean;
}

/**
 * As few as the server's own example for one machine has: throughput is the same with 1 and with 512 (BENCH), and each
 * costs memory and timers. It can't be changed later; docker-compose.yml, which is meant to grow, has 64.
 */
const numHistoryShards = 4;

/** All four services in one process, on loopback only. The server reads YAML, of which JSON is a part. */
export function writeClusterConfig(file: string, { database, ports, dynamicConfigFile, tuned }: Cluster): void {
  const frontend = ports.rpc[0] ?? 0;
  const service = (n: number) => ({
    rpc: { grpcPort: ports.rpc[n] ?? 0, membershipPort: ports.ring[n] ?? 0, bindOnLocalHost: true },
  });
  const store = (databaseName: string, maxConns: number) => ({
    sql: {
      pluginName: 'postgres12_pgx',
      databaseName,
      connectAddr: `127.0.0.1:${database.port}`,
      connectProtocol: 'tcp',
      user: database.user,
      password: database.password,
      maxConns,
      maxIdleConns: maxConns,
      maxConnLifetime: '1h',
    },
  });
  const config = {
    log: { stdout: true, level: 'error' },
    persistence: {
      defaultStore: 'default',
      visibilityStore: 'visibility',
      numHistoryShards,
      datastores: { default: store('temporal', 20), visibility: store('temporal_visibility', 10) },
    },
    global: { membership: { maxJoinDuration: '30s', broadcastAddress: '127.0.0.1' } },
    services: Object.fromEntries(services.map((name, n) => [name, service(n)])),
    clusterMetadata: {
      enableGlobalNamespace: false,
      failoverVersionIncrement: 10,
      masterClusterName: 'active',
      currentClusterName: 'active',
      clusterInformation: {
        active: {
          enabled: true,
          initialFailoverVersion: 1,
          rpcName: 'frontend',
          rpcAddress: `127.0.0.1:${frontend}`,
        },
      },
    },
    dcRedirectionPolicy: { policy: 'noop' },
    dynamicConfigClient: { filepath: dynamicConfigFile, pollInterval: '10s' },
  };
  const values = Object.entries(tuned ? dynamicConfig : {}).map(([name, value]) => [name, [{ value }]]);
  writeFileSync(dynamicConfigFile, JSON.stringify(Object.fromEntries(values), null, 2));
  writeFileSync(file, JSON.stringify(config, null, 2), { mode: 0o600 });
}
