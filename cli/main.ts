import { Command, InvalidArgumentError, Option } from 'commander';
import { loadConfig } from '../config';
import type { Form } from '../proofs/proof';
import type { ArchiveOptions } from './archive';
import { addOperatorCommands } from './operate/commands';
import type { Reached } from './operate/client';
import { CliError, exits } from './operate/exit';

const whichTemporal = () => new Option('--form <form>', 'which Temporal').choices(['embedded', 'production']);

/** @throws InvalidArgumentError: a count that is none would measure, or attack, nothing and be called good. */
function whole(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new InvalidArgumentError('a whole number from 1 on.');
  return Number(text);
}

const daysAgo = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);
/** @throws InvalidArgumentError */
function day(text: string): string {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || Number.isNaN(Date.parse(text)))
    throw new InvalidArgumentError('a day, as YYYY-MM-DD.');
  return text;
}

// Each command's module is loaded when it is run: all of them together take a second to load.
const program = new Command('wheelhouse')
  .description('A self-hosted control plane for AI agents in operations')
  .showHelpAfterError()
  // Inherited by the commands: what is typed wrong has an exit code of its own.
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : exits.usage))
  .addHelpText(
    'after',
    '\nIn a clone also: test (jest) and check (types, lint, import rules, unused code, formatting)',
  );

program
  .command('up')
  .description('start everything on this machine and keep it running (npm start)')
  .action(async () => (await import('./up.js')).up(loadConfig()));

program
  .command('migrate')
  .description('bring the database, and the search attributes of the Temporal server, up to date')
  .action(async () => (await import('./migrate.js')).migrateAll(loadConfig()));

program
  .command('api')
  .description('run the API server')
  .action(async () => (await import('./serve.js')).serve((await import('../api/main.js')).startApi, loadConfig()));

program
  .command('worker')
  .description('run a Temporal worker')
  .action(async () =>
    (await import('./serve.js')).serve((await import('../workers/main.js')).soleWorker, loadConfig()),
  );

program
  .command('openapi')
  .description('print the OpenAPI 3.1 document')
  .action(async () => (await import('./openapi.js')).printOpenApi());

program
  .command('token')
  .description('make an API key and print it, this once')
  .option('--tenant <slug>', 'the tenant that it opens', 'local')
  .option('--role <role>', 'what it may do', 'ADMIN')
  .option('--name <name>', 'what lists call it', 'cli')
  .action(async (wanted: { tenant: string; role: string; name: string }) =>
    (await import('./tenants.js')).printToken(loadConfig(), wanted),
  );

program
  .command('rotate-key')
  .description('have a new key sign tokens, and print its name; those that are out stay good until they are over')
  .action(async () => (await import('./keys.js')).rotateTokenKey(loadConfig()));

program
  .command('tenant')
  .description('manage tenants')
  .command('add <slug>')
  .description('make a tenant with an administrator, and print how to get in, this once')
  .requiredOption('--email <address>', "the administrator's")
  .action(async (slug: string, { email }: { email: string }) =>
    (await import('./tenants.js')).addTenant(loadConfig(), slug, email),
  );

program
  .command('verify [files...]')
  .description('check archived receipts, folders of an archive, evidence bundles and heads of the log offline')
  .option(
    '--key <file>',
    'the public key: PEM, or the answer of GET /receipts/key; may be repeated',
    (file: string, all: string[]) => [...all, file],
    [],
  )
  .option('--fingerprint <hex>', 'the fingerprint that the key must have')
  .option(
    '--head <file>',
    'an answer of GET /audit/logs/verify: where the log ended, signed; may be repeated',
    (file: string, all: string[]) => [...all, file],
    [],
  )
  .option(
    '--witness <key>',
    'who must have cosigned the newest checkpoint of an archive: name+id+key; may be repeated',
    (key: string, all: string[]) => [...all, key],
    [],
  )
  .action(
    async (files: string[], options: { key: string[]; head: string[]; witness: string[]; fingerprint?: string }) =>
      (await import('../log/verify-cli.js')).verify(files, options),
  );

program
  .command('archive <folder>')
  .description('fetch receipts, proofs and roots of a period into a folder, with an evidence bundle, for `verify`')
  .option('--url <url>', 'the server (the one that is found, as by all commands)')
  .option('--token <key>', 'an API key that may read the audit log and receipts (the one that is found)')
  .option('--since <day>', 'the first day, YYYY-MM-DD in UTC (30 days ago)', day, daysAgo(30))
  .option('--until <day>', 'the last day (today)', day, daysAgo(0))
  .addOption(
    new Option('--framework <name>', 'what the bundle is evidence for')
      .choices(['eu-ai-act', 'nist-ai-rmf', 'soc2'])
      .default('soc2'),
  )
  .action(
    async (folder: string, { url, token, ...options }: Omit<ArchiveOptions, keyof Reached> & Partial<Reached>) => {
      const { serverOf } = await import('./operate/client.js');
      const config = loadConfig();
      const cli = { url: url?.replace(/\/+$/, '') ?? config.cli.url, token: token ?? config.cli.token };
      const server = await serverOf({ ...config, cli });
      await (await import('./archive.js')).archive(folder, { ...options, ...server });
    },
  );

const rollout = program.command('rollout').description('roll workers to a new version, with runs in flight');
rollout
  .command('status')
  .description('what versions there are, which one new runs go to, and what still runs on each')
  .action(async () => (await import('./rollout.js')).printStatus(loadConfig()));
rollout
  .command('promote <build-id>')
  .description('have new runs go to the workers of this version; what runs stays where it is')
  .action(async (buildId: string) => (await import('./rollout.js')).promote(loadConfig(), buildId));
rollout
  .command('rollback')
  .description('have new runs go where they went before the last promotion; what runs stays where it is')
  .action(async () => (await import('./rollout.js')).rollback(loadConfig()));
rollout
  .command('drained <build-id>')
  .description('wait until nothing runs on this version: then its workers can be stopped')
  .option('--within <seconds>', 'how long to wait', '3600')
  .action(async (buildId: string, { within }: { within: string }) =>
    (await import('./rollout.js')).untilDrained(loadConfig(), buildId, Number(within)),
  );
rollout
  .command('move <build-id>')
  .description('have what still runs on this version go on with the current one; the replay tests must allow it')
  .action(async (buildId: string) => (await import('./rollout.js')).moveOn(loadConfig(), buildId));

program
  .command('demo')
  .description('play the main story against the running server')
  .action(async () => (await import('./demo.js')).demo(loadConfig()));

program
  .command('bench [name]')
  .option('--seconds <n>', 'how long each measurement takes', whole, 10)
  .option('--write', 'keep the table in bench/RESULTS.md')
  .addOption(whichTemporal().default('embedded'))
  .description('measure one thing, or all of them')
  .action(async (name: string | undefined, given: { seconds: number; write?: boolean; form: Form }) => {
    const wanted = { seconds: given.seconds, form: given.form, write: given.write ?? false };
    await (await import('../bench/main.js')).bench(name ?? null, loadConfig(), wanted);
  });

program
  .command('prove <name>')
  .description('attack a whole installation of its own; `quick` runs every proof as CI does')
  .option('--count <n>', 'how much of it; each proof has its own unit', whole)
  .option('--seed <n>', 'repeats the plan of an earlier run', whole)
  .addOption(whichTemporal())
  .action(async (name: string, given: { count?: number; seed?: number; form?: Form }) => {
    const wanted = { count: given.count ?? null, seed: given.seed ?? null, form: given.form ?? null };
    await (await import('../proofs/main.js')).proveAll(name, loadConfig(), wanted);
  });

program
  .command('record-histories')
  .description('record the workflow histories that the replay tests use')
  .action(async () => (await import('../bench/record-histories.js')).recordHistories());

addOperatorCommands(program);

program.parseAsync().then(
  // What was started has been stopped; a connection that lingers must not keep the process.
  () => process.exit(),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(error instanceof CliError ? error.exit : exits.failed);
  },
);
