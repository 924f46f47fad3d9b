import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { freePorts } from '../cli/free-port';
import { until } from './until';

const root = 'the-root-token-of-a-test';
export const namespace = 'ops';

/** The policy that docs/credentials.md names. */
const ours = `
path "auth/token/create-orphan" { capabilities = ["create", "update", "sudo"] }
path "auth/token/revoke-accessor" { capabilities = ["update"] }
path "sys/leases/revoke" { capabilities = ["update"] }
path "secret/data/wheelhouse/*" { capabilities = ["create", "read", "update"] }
`;

/** An OpenBao in dev mode: a namespace with AppRole, a KV mount, and a Postgres whose users it makes. */
export async function realBao(bin: string, postgres: string) {
  const [port = 0] = await freePorts(1);
  const addr = `http://127.0.0.1:${port}`;
  const child = spawn(bin, ['server', '-dev', `-dev-listen-address=127.0.0.1:${port}`, `-dev-root-token-id=${root}`, '-dev-no-store-token'], { stdio: 'ignore' }); // prettier-ignore
  const gone = once(child, 'exit');
  const ask = async (method: string, path: string, body: object | null = null, within: string | null = namespace) => {
    const res = await fetch(`${addr}/v1/${path}`, {
      method,
      headers: { 'x-vault-token': root, ...(within !== null && { 'x-vault-namespace': within }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await res.text();
    if (!res.ok) throw new Error(`${method} ${path}: ${res.status} ${text}`);
    return (text ? JSON.parse(text) : {}) as { data: Record<string, string> };
  };
  await until('OpenBao to answer', () =>
    fetch(`${addr}/v1/sys/health`).then(
      (r) => r.ok,
      () => false,
    ),
  );
  await ask('POST', `sys/namespaces/${namespace}`, {}, null);
  await ask('POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } });
  await ask('POST', 'sys/mounts/database', { type: 'database' });
  await ask('POST', 'sys/auth/approle', { type: 'approle' });
  await ask('PUT', 'sys/policies/acl/wheelhouse', { policy: ours });
  await ask('PUT', 'sys/policies/acl/read-gitlab', {
    policy: 'path "secret/data/gitlab/*" { capabilities = ["read"] }',
  });
  await ask('PUT', 'sys/policies/acl/read-database', {
    policy: 'path "database/creds/reader" { capabilities = ["read"] }',
  });
  await ask('POST', 'auth/approle/role/wheelhouse', { token_policies: ['wheelhouse'], token_ttl: '1h' });
  const { data: role } = await ask('GET', 'auth/approle/role/wheelhouse/role-id');
  const { data: id } = await ask('POST', 'auth/approle/role/wheelhouse/secret-id', {});
  const { username, password, host, pathname } = new URL(postgres);
  await ask('POST', 'database/config/tests', {
    plugin_name: 'postgresql-database-plugin', allowed_roles: ['reader'], username: decodeURIComponent(username),
    password: decodeURIComponent(password), connection_url: `postgresql://{{username}}:{{password}}@${host}${pathname}?sslmode=disable`,
  }); // prettier-ignore
  await ask('POST', 'database/roles/reader', {
    db_name: 'tests', default_ttl: '60s', max_ttl: '10m',
    creation_statements: [`CREATE ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'`],
  }); // prettier-ignore
  // A fresh mount is not there for a moment.
  await until('the KV mount to take entries', async () => {
    try {
      await ask('POST', 'secret/data/gitlab/ops', { data: { token: 'glpat-of-ops' } });
      return true;
    } catch (e) {
      if (String(e).includes('Upgrading from non-versioned')) return false;
      throw e;
    }
  });
  return {
    addr,
    roleId: role['role_id'] ?? '',
    secretId: id['secret_id'] ?? '',
    ask,
    seal: () => ask('PUT', 'sys/seal', {}, null),
    async close(): Promise<void> {
      child.kill();
      await gone;
    },
  };
}
