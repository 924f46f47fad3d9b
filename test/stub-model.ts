import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What an OpenAI-compatible API is asked. */
export interface Asked {
  model: string;
  messages: { role: string; content: string }[];
  key: string | undefined;
  authorization: string | undefined;
  /** Of the socket: whoever asked has gone. */
  gone: boolean;
}
type Answer = (asked: Asked, res: ServerResponse) => void;

const json = (res: ServerResponse, status: number, body: unknown): void => {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};
const completion = (content: string, finish_reason = 'stop') => ({
  choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason }],
});

/** What it may do, well behaved or not. */
export const answers = {
  says:
    (content: unknown): Answer =>
    (_asked, res) =>
      json(res, 200, completion(typeof content === 'string' ? content : JSON.stringify(content))),
  cutOff:
    (content: string): Answer =>
    (_asked, res) =>
      json(res, 200, completion(content, 'length')),
  status:
    (status: number, body: unknown = { error: { message: 'no' } }): Answer =>
    (_asked, res) =>
      json(res, status, body),
  body:
    (text: string): Answer =>
    (_asked, res) =>
      void res.writeHead(200, { 'content-type': 'application/json' }).end(text),
  /** Never answers; the connection stays open. */
  silence: (): Answer => () => undefined,
  hangsUp: (): Answer => (_asked, res) => void res.socket?.destroy(),
};

/** A model over real HTTP. `script` says what it answers next; when that is over, `usual`. */
export async function stubModel(usual: (asked: Asked) => Answer) {
  const asked: Asked[] = [];
  let script: Answer[] = [];
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (c: Buffer) => chunks.push(c));
    req.on('end', () => {
      const { model, messages } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Pick<
        Asked,
        'model' | 'messages'
      >;
      const key = req.headers['idempotency-key'];
      const one: Asked = { model, messages, key: String(key), authorization: req.headers.authorization, gone: false };
      res.on('close', () => (one.gone = !res.writableFinished));
      asked.push(one);
      if (req.method !== 'POST' || req.url !== '/v1/chat/completions') return answers.status(404)(one, res);
      (script.shift() ?? usual(one))(one, res);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    asked,
    next(...more: Answer[]): void {
      script = more;
    },
    async close(): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
