import { startServer, until, type Server } from '../harness';
import { assign, ticketWithLog } from './working';
let server: Server;
beforeAll(async () => { server = await startServer({ LOG_LEVEL: 'info' }); });
afterAll(() => server.close());
it('x', async () => {
  const ticket = await ticketWithLog(server);
  const agent = await assign(server, ticket);
  let n = 0;
  await until(async () => ++n > 150, 'x', 50000);
  const { body } = await server.call('GET', `/api/agents/${agent}`);
  console.log(body.status, body.error_message, body.current_task.output);
  console.log((await server.call('GET', `/api/agents/${agent}/logs`)).body.content);
});
