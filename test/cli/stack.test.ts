import { Connection } from '@temporalio/client';
import { Client } from 'pg';
import { freshDatabase, temporal } from '../stack';

test('a fresh database is migrated, separate, and gone when dropped', async () => {
  const [one, two] = await Promise.all([freshDatabase(), freshDatabase()]);
  const client = new Client({ connectionString: one.url });
  await client.connect();
  await client.query('create table only_here ()');
  const { rows } = await client.query<{ version: string }>(`select current_setting('server_version_num') as version`);
  expect(Number(rows[0]?.version)).toBeGreaterThanOrEqual(180000);
  await client.end();
  const other = new Client({ connectionString: two.url });
  await other.connect();
  await expect(other.query('select from only_here')).rejects.toThrow('does not exist');
  await expect(other.query('select from migrations')).resolves.toBeDefined();
  await other.end();
  await Promise.all([one.drop(), two.drop()]);
  await expect(new Client({ connectionString: one.url }).connect()).rejects.toThrow('does not exist');
});

test('the dev server knows the search attributes', async () => {
  const connection = await Connection.connect({ address: temporal().address });
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace: 'default' });
  expect(Object.keys(customAttributes).sort()).toEqual(
    expect.arrayContaining(['WhAgent', 'WhKind', 'WhStatus', 'WhTenant', 'WhTicket']),
  );
  await connection.close();
});
