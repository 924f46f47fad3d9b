import { Client } from 'pg';
import { latency, throughput } from '../../bench/peers/drive';
import { peer as plain } from '../../bench/peers/engines/plain';
import { countDecided, createDatabase, openRows } from '../../bench/peers/rows';
import { freshDatabase } from '../stack';

/** Without the project's tables: the engines bring their own. */
async function empty(): Promise<string> {
  const { url } = await freshDatabase();
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query('drop schema public cascade; create schema public');
  await client.end();
  return url;
}

test('every life that is counted is a row with its decision', async () => {
  const url = await empty();
  const rows = await openRows(url);
  await plain.start({}, rows);
  const { lives, perSecond } = await throughput(plain, 3, 0.2);
  expect(await latency(plain, 5)).toBeGreaterThan(0);
  expect(lives).toBeGreaterThan(0);
  expect(perSecond).toBeGreaterThan(0);
  expect(await countDecided(url)).toBe(lives + 5);
  await rows.close();
});

test('an engine that answers another decision than was made is not measured', async () => {
  const rows = await openRows(await empty());
  await plain.start({}, rows);
  const forgetful = { ...plain, result: () => Promise.resolve('rejected') };
  await expect(throughput(forgetful, 1, 0.1)).rejects.toThrow('approved was decided, rejected came out');
  await rows.close();
});

test('a row is opened once, decided once, and never decided unopened', async () => {
  const url = await empty();
  const rows = await openRows(url);
  await Promise.all([rows.opened('a'), rows.opened('a')]);
  await rows.stands('a');
  await rows.decided('a', 'approved');
  await rows.decided('a', 'approved'); // an engine may repeat its step
  await expect(rows.decided('a', 'rejected')).rejects.toThrow('no row to decide');
  await expect(rows.decided('b', 'approved')).rejects.toThrow('no row to decide');
  expect(await countDecided(url)).toBe(1);
  await rows.close();
});

test('a Postgres that may lose what it acknowledged is not compared with', async () => {
  const { url } = await freshDatabase();
  await expect(createDatabase(url, 'peer_none')).rejects.toThrow(/not durable: .*fsync/);
});
