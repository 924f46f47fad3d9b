import { setTimeout as pause } from 'node:timers/promises';
import { Client as Temporal, Connection } from '@temporalio/client';
import { Client } from 'pg';

/** Past every link and all row-level security, for whoever judges. Connects again when Postgres was killed. */
export function direct(databaseUrl: string, temporalAddress: string) {
  let client: Promise<Client> | null = null;
  let connection: Promise<Connection> | null = null;

  const connect = async (): Promise<Client> => {
    for (let tries = 0; ; tries += 1) {
      const fresh = new Client({ connectionString: databaseUrl });
      fresh.on('error', () => (client = null)); // killed: the next who asks gets another
      fresh.on('end', () => (client = null));
      try {
        await fresh.connect();
        return fresh;
      } catch (e) {
        if (tries > 600) throw e;
        await pause(50);
      }
    }
  };
  return {
    owner: (): Promise<Client> => (client ??= connect()),
    temporal: async (): Promise<Temporal> => {
      connection ??= Connection.connect({ address: temporalAddress });
      return new Temporal({ connection: await connection });
    },
    close: async (): Promise<void> => {
      await (await client)?.end();
      await (await connection)?.close();
    },
  };
}
