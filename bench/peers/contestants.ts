import { join } from 'node:path';
import { root } from '../../config';
import type { Form } from '../../proofs/proof';
import type { Stack } from '../stack';
import { versionOf } from './install';
import type { Setup } from './peer';
import { createDatabase } from './rows';

/** An engine in the bench. */
export interface Contestant {
  /** What its process is called. */
  name: string;
  what: string;
  module: string;
  setup: Setup;
  /** The parts that its processor time is in. */
  parts: string[];
  /** The database that has its decisions as rows; null when it writes none. */
  rowsIn: string | null;
}

const ours = (name: string): string => join(root, 'dist/bench/peers/engines', `${name}.js`);
/** As they are: packages are looked for beside them. */
const foreign = (name: string): string => join(root, 'bench/peers/engines', `${name}.mjs`);

/** Every engine there is, each that writes rows with a database of its own in the one Postgres. */
export async function contestants(stack: Stack, floor: Setup, restate: Setup, form: Form): Promise<Contestant[]> {
  const { url, token, database_url: owner } = stack.local;
  const inPostgres = async (
    name: string,
    given: { what: string; module: string; setup?: Setup; server?: string },
  ): Promise<Contestant> => {
    const rowsIn = await createDatabase(owner, `peer_${name}`);
    const parts = [name, 'postgres', ...(given.server ? [given.server] : [])];
    return { name, what: given.what, module: given.module, setup: { ...given.setup, database: rowsIn }, parts, rowsIn };
  };
  return [
    {
      name: 'temporal client',
      what: 'bare Temporal, default settings (no row)',
      module: ours('temporal'),
      setup: floor,
      parts: ['temporal client', 'temporal (default)', 'floor worker', ...(form === 'production' ? ['postgres'] : [])],
      rowsIn: null,
    },
    {
      name: 'wheelhouse',
      what: 'Wheelhouse through HTTP (row, note, log)',
      module: ours('wheelhouse'),
      setup: { url, token, approver: stack.approver },
      parts: ['wheelhouse', 'api', 'worker', 'temporal', 'postgres'],
      rowsIn: owner,
    },
    await inPostgres('dbos', { what: `DBOS ${versionOf('@dbos-inc/dbos-sdk')}`, module: foreign('dbos') }),
    await inPostgres('restate', {
      what: `Restate ${versionOf('@restatedev/restate-server')} (its own log)`,
      module: foreign('restate'),
      setup: restate,
      server: 'restate-server',
    }),
    await inPostgres('langgraph', {
      what: `LangGraph ${versionOf('@langchain/langgraph')} (Postgres checkpointer, sync)`,
      module: foreign('langgraph'),
    }),
    await inPostgres('plain', { what: 'two rows, no durable process', module: ours('plain') }),
  ];
}
