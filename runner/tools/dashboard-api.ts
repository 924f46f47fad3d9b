import { readFileSync } from 'node:fs';
import { endWith, readAuth } from './auth';

// dashboard-api get|post|put|patch|delete PATH [--data JSON] [--data-file FILE]: one call of this server's API, as the agent.

const usage = 'usage: dashboard-api get|post|put|patch|delete PATH [--data JSON] [--data-file FILE]';
const methods = ['get', 'post', 'put', 'patch', 'delete'];

function bodyOf(rest: readonly string[]): string | null {
  if (rest.length === 0) return null;
  const [flag, value] = rest;
  if (rest.length !== 2 || value === undefined) throw new Error(usage);
  if (flag === '--data') return value;
  if (flag === '--data-file') return readFileSync(value === '-' ? 0 : value, 'utf8');
  throw new Error(usage);
}

async function main(): Promise<void> {
  const [method = '', path = '', ...rest] = process.argv.slice(2);
  if (!methods.includes(method.toLowerCase()) || !path.startsWith('/')) throw new Error(usage);
  const { base_url, token } = readAuth();
  const url = new URL(path.startsWith('/api/') || path === '/health' ? path : `/api${path}`, base_url);
  if (url.origin !== new URL(base_url).origin) throw new Error(`not a path of the API: ${path}`);
  const body = bodyOf(rest);
  const answer = await fetch(url, {
    method: method.toUpperCase(),
    headers: { authorization: `Bearer ${token}`, ...(body !== null && { 'content-type': 'application/json' }) },
    redirect: 'error',
    ...(body !== null && { body }),
  });
  endWith(answer.ok ? 0 : 1, process.stdout, `${await answer.text()}\n`);
}

main().catch((e: Error) => endWith(1, process.stderr, `${e.message}\n`));
