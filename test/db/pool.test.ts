import { appPool } from '../../db/pool';
import { openHouse, type House } from '../house';

let house: House;
beforeAll(async () => void (house = await openHouse()));
afterAll(() => house.close());

test('a connection that breaks between two statements fails the next one, and not the process', async () => {
  const told: string[] = [];
  const pool = appPool(house.url, 1, (e) => told.push(e.message));
  try {
    const client = await pool.connect();
    const { rows } = await client
      .query<{ pid: number }>('begin; select pg_backend_pid() as pid')
      .then((all) => [all].flat()[1] ?? all);
    const ended = new Promise<void>((resolve) => client.once('end', () => resolve()));
    await house.owner.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
    await ended;
    await expect(client.query('select 1')).rejects.toThrow();
    client.release(true);
    expect(told[0]).toContain('terminating connection');
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  } finally {
    await pool.end();
  }
});
