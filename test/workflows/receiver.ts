import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Received {
  headers: Record<string, string>;
  body: string;
}

/** Takes webhooks over HTTP, and answers what it is told to: the `nth` since then. */
export async function receiver() {
  const received: Received[] = [];
  let answer: (res: ServerResponse, nth: number) => void = (res) => res.writeHead(204).end();
  const server = createServer((req: IncomingMessage, res) => {
    let body = '';
    req.on('data', (part: Buffer) => (body += part.toString()));
    req.on('end', () => {
      received.push({ headers: req.headers as Record<string, string>, body });
      answer(res, received.length);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received,
    answers(how: typeof answer): void {
      received.length = 0;
      answer = how;
    },
    async close(): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
