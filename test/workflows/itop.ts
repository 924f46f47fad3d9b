import { Client, Connection } from '@temporalio/client';
import { startServer, type Server } from '../harness';
import { temporal } from '../stack';
import { stubItop, type StubItop } from '../stub-itop';

/** A server that keeps its tickets in step with an iTop, which is well again after each test; and Temporal's client. Its parts are there from `beforeAll` on. */
export function besideItop(): { s: Server; itop: StubItop; client: Client } {
  const it = {} as ReturnType<typeof besideItop>;
  let connection: Connection;
  beforeAll(async () => {
    it.itop = await stubItop();
    it.s = await startServer(it.itop.settings());
    connection = await Connection.connect({ address: temporal().address });
    it.client = new Client({ connection });
  });
  afterEach(() => it.itop.heals());
  afterAll(async () => {
    await connection.close();
    await it.s.close();
    await it.itop.close();
  });
  return it;
}
