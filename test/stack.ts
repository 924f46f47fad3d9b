import { randomBytes } from 'node:crypto';
import { Client } from 'pg';

/** What global-setup.ts started, told to the test processes through the environment. */
export interface Stack {
  /** The superuser's, to the server's `postgres` database. */
  postgres: string;
  temporalAddress: string;
  temporalCli: string;
  testServerPath: string;
  /** The compiled workflows, or why there are none. */
  bundle: { codePath: string } | { error: string };
}

export const stackVariable = 'WHEELHOUSE_TEST_STACK';
export const templateDatabase = 'wheelhouse_template';

function stack(): Stack {
  const told = process.env[stackVariable];
  if (told === undefined) throw new Error('test/global-setup.ts has not run');
  return JSON.parse(told) as Stack;
}

export function databaseUrl(server: string, database: string): string {
  return new URL(database, server).href;
}

/** Runs one statement as the superuser. */
export async function execute(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

/** A migrated database of the test's own. `url` is its owner's, a superuser. */
export async function freshDatabase(): Promise<{ url: string; drop: () => Promise<void> }> {
  const { postgres } = stack();
  const name = `test_${randomBytes(8).toString('hex')}`;
  // As files: page by page through the write-ahead log takes a third of a second of a core, this a tenth of that.
  await execute(postgres, `create database ${name} template ${templateDatabase} strategy file_copy`);
  return {
    url: databaseUrl(postgres, name),
    drop: () => execute(postgres, `drop database ${name} with (force)`),
  };
}

/** The dev server (Schedules, visibility, the search attributes), its CLI, and the binary of the time-skipping test server. */
export function temporal(): { address: string; cliPath: string; testServerPath: string } {
  const { temporalAddress, temporalCli, testServerPath } = stack();
  return { address: temporalAddress, cliPath: temporalCli, testServerPath };
}

/** The workflows, compiled once for all tests: `workflowBundle: { codePath: bundlePath() }` of a worker. */
export function bundlePath(): string {
  const { bundle } = stack();
  if ('error' in bundle) throw new Error(`The workflows could not be bundled: ${bundle.error}`);
  return bundle.codePath;
}
