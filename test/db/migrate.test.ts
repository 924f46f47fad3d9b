import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { root } from '../../config';
import { migrate } from '../../db/migrate';
import { freshDatabase } from '../stack';

test('a migration older than one that was run is refused with what to do about it, and nothing is changed', async () => {
  const [folder, { url, drop }] = [mkdtempSync(join(tmpdir(), 'wheelhouse-migrations-')), await freshDatabase()];
  try {
    cpSync(join(root, 'migrations'), folder, { recursive: true });
    await migrate(url, folder);
    writeFileSync(join(folder, '000000_late.sql'), 'create table late ();');
    await expect(migrate(url, folder)).rejects.toThrow(
      /^The database has 000001_kernel, and not 000000_late, which comes before it: nothing was changed\. Run the version .*; if 000000_late is new, give it a number after the last\.$/,
    );
    const client = new Client({ connectionString: url });
    await client.connect();
    expect((await client.query(`select to_regclass('late') as late`)).rows).toEqual([{ late: null }]);
    await client.end();
  } finally {
    await drop();
    rmSync(folder, { recursive: true });
  }
});
