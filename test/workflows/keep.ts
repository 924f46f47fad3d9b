import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { historyToJSON, type History } from '@temporalio/common/lib/proto-utils';

/** Set by `npm run record-histories`: the folder that histories go to. */
const folder = process.env['WHEELHOUSE_RECORD'];

/**
 * Keeps the history as it is by now, under `<workflow>.<what it shows>`, for the replay tests to replay for ever; but
 * only when histories are recorded. Stack traces, which name places on this machine, decide nothing and are left out.
 */
export async function keep(name: string, of: { fetchHistory(): Promise<History> }): Promise<void> {
  if (!folder) return;
  const bare: unknown = JSON.parse(historyToJSON(await of.fetchHistory()), (key, value: unknown) =>
    key === 'stackTrace' ? '' : value,
  );
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(bare, null, 1)}\n`);
}
