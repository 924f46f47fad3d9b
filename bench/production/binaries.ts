import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fetched, firstFound, inCache, onPath, type Search } from '../../cli/binaries';
import { childEnvironment } from '../../config';

const version = '1.32.1';
const source = 'go.temporal.io/server';
/** Six and a half minutes on two cores, with nothing in Go's own caches. */
const BUILD_LIMIT_MS = 30 * 60_000;

interface Built {
  name: string;
  /** What the environment may say it is. */
  variable: string;
  /** Its package in the server's module. */
  folder: string;
}

const programs = {
  server: { name: 'temporal-server', variable: 'TEMPORAL_SERVER_BIN', folder: 'cmd/server' },
  sqlTool: { name: 'temporal-sql-tool', variable: 'TEMPORAL_SQL_TOOL_BIN', folder: 'cmd/tools/sql' },
} satisfies Record<string, Built>;

export interface Binaries {
  server: string;
  sqlTool: string;
}

/**
 * Temporal's server for clusters and its schema tool. `mayBuild`: what is nowhere is built, in minutes.
 * @throws Error that names each try and why it failed
 */
export async function productionBinaries(search: Search, mayBuild = true): Promise<Binaries> {
  const { server, sqlTool } = programs;
  return { server: await find(server, search, mayBuild), sqlTool: await find(sqlTool, search, mayBuild) };
}

function find(program: Built, search: Search, mayBuild: boolean): Promise<string> {
  const folder = join(search.dataDir, 'cache', 'bin');
  const cached = join(folder, `${program.name}-${version}${process.platform === 'win32' ? '.exe' : ''}`);
  return firstFound(
    program.name,
    {
      [program.variable]: () => promised(() => named(program.variable)),
      PATH: () => promised(() => onPath(program.name, search.path)),
      'the cache': () => inCache(cached),
      ...(mayBuild && { [`Go (${source}/${program.folder} ${version})`]: () => byGo(program, folder, cached, search) }),
    },
    search,
    `Put the binary at ${cached}, or install Go: the server is built from its public module, once, in minutes.`,
  );
}

const promised = (look: () => string): Promise<string> => new Promise((resolve) => resolve(look()));

function named(variable: string): string {
  const file = childEnvironment({})[variable];
  if (!file) throw new Error('not set');
  if (!existsSync(file)) throw new Error(`${file} does not exist`);
  return file;
}

/** The versions of everything under it are those of the server's own go.mod; Go checks them against its sums. */
function byGo({ folder: path }: Built, folder: string, cached: string, search: Search): Promise<string> {
  return fetched(folder, cached, async (target) => {
    search.report(`building ${source}/${path} ${version} with Go: this takes minutes, once`);
    await promisify(execFile)('go', ['install', '-trimpath', '-ldflags=-s -w', `${source}/${path}@v${version}`], {
      timeout: BUILD_LIMIT_MS,
      signal: search.signal,
      env: childEnvironment({ PATH: search.path, GOBIN: target, GOFLAGS: null, GOWORK: 'off', CGO_ENABLED: '0' }),
    });
    return join(target, path.split('/').at(-1) + (process.platform === 'win32' ? '.exe' : ''));
  });
}
