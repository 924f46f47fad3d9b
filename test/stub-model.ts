import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What an API of models is asked. */
export interface Asked {
  api: 'openai' | 'anthropic';
  model: string;
  /** As they stand on the wire; of OpenAI's, content is text where there is nothing else. */
  messages: { role: string; content: string }[];
  /** Of Anthropic's; OpenAI's stands among the messages. */
  system: string | undefined;
  tools: string[];
  streams: boolean;
  key: string | undefined;
  authorization: string | undefined;
  headers: IncomingHttpHeaders;
  /** The whole of what was sent. */
  body: string;
  /** Of the socket: whoever asked has gone. */
  gone: boolean;
}
export type Answer = (asked: Asked, res: ServerResponse) => void;

const json = (res: ServerResponse, status: number, body: unknown, headers = {}): void => {
  res.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
};
const completion = (content: string, finish_reason = 'stop') => ({
  choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason }],
});

/** One answer of a model: words, tool calls (arguments as an object, or as the text that is sent), what it counts. */
export interface Turn {
  text?: string;
  calls?: { tool: string; args: unknown }[];
  tokens?: { in: number; out: number } | null;
  stop?: 'length';
  /** What it thinks before, with a signature: of Anthropic's. */
  thinks?: string;
}

const inTwo = (text: string): string[] => [text.slice(0, text.length >> 1), text.slice(text.length >> 1)];
const argsText = (args: unknown): string => (typeof args === 'string' ? args : JSON.stringify(args));

/** Server-sent events as OpenAI-compatible chat completions stream them. */
function openaiEvents(model: string, { text = '', calls = [], tokens = { in: 100, out: 20 }, stop }: Turn): string[] {
  const chunk = (delta: unknown, finish_reason: string | null = null) =>
    JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', created: 1, model, choices: [{ index: 0, delta, finish_reason }] }); // prettier-ignore
  return [
    chunk({ role: 'assistant', content: '' }),
    ...(text ? inTwo(text).map((content) => chunk({ content })) : []),
    ...calls.flatMap(({ tool, args }, index) => {
      const [first = '', second = ''] = inTwo(argsText(args));
      return [
        chunk({ tool_calls: [{ index, id: `call_${index}`, type: 'function', function: { name: tool, arguments: first } }] }),
        chunk({ tool_calls: [{ index, function: { arguments: second } }] }),
      ]; // prettier-ignore
    }),
    chunk({}, stop ?? (calls.length ? 'tool_calls' : 'stop')),
    ...(tokens
      ? [JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', created: 1, model, choices: [], usage: { prompt_tokens: tokens.in, completion_tokens: tokens.out, total_tokens: tokens.in + tokens.out } })]
      : []),
    '[DONE]',
  ]; // prettier-ignore
}

/** Any text that nobody else makes: an endpoint knows its own. */
export const signatureOf = (thinks: string): string => Buffer.from(`signed:${thinks}`).toString('base64');

/** The same as Anthropic's messages. */
function anthropicEvents(
  model: string,
  { text = '', calls = [], tokens = { in: 100, out: 20 }, stop, thinks = '' }: Turn,
): string[] {
  const usage = { input_tokens: tokens?.in ?? 0, output_tokens: 1 };
  const thought = {
    start: { type: 'thinking', thinking: '', signature: '' },
    deltas: [
      ...inTwo(thinks).map((t) => ({ type: 'thinking_delta', thinking: t })),
      { type: 'signature_delta', signature: signatureOf(thinks) },
    ],
  };
  const blocks = [
    ...(thinks ? [thought] : []),
    ...(text ? [{ start: { type: 'text', text: '' }, deltas: inTwo(text).map((t) => ({ type: 'text_delta', text: t })) }] : []),
    ...calls.map(({ tool, args }, i) => ({
      start: { type: 'tool_use', id: `toolu_${i}`, name: tool, input: {} },
      deltas: inTwo(argsText(args)).map((t) => ({ type: 'input_json_delta', partial_json: t })),
    })),
  ]; // prettier-ignore
  const reason = stop ? 'max_tokens' : calls.length ? 'tool_use' : 'end_turn';
  return [
    { type: 'message_start', message: { id: 'm1', type: 'message', role: 'assistant', model, content: [], stop_reason: null, stop_sequence: null, usage } },
    { type: 'ping' },
    ...blocks.flatMap(({ start, deltas }, index) => [
      { type: 'content_block_start', index, content_block: start },
      ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
      { type: 'content_block_stop', index },
    ]),
    { type: 'message_delta', delta: { stop_reason: reason, stop_sequence: null }, usage: { output_tokens: tokens?.out ?? 0 } },
    { type: 'message_stop' },
  ].map((e) => JSON.stringify(e)); // prettier-ignore
}

const isAnthropic = (asked: Asked): boolean => asked.api === 'anthropic';
const events = (asked: Asked, turn: Turn): string[] =>
  (isAnthropic(asked) ? anthropicEvents : openaiEvents)(asked.model, turn);
const frame = (asked: Asked, data: string): string =>
  isAnthropic(asked) ? `event: ${(JSON.parse(data) as { type: string }).type}\ndata: ${data}\n\n` : `data: ${data}\n\n`;
const stream = (res: ServerResponse) => res.writeHead(200, { 'content-type': 'text/event-stream' });

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
    (status: number, body: unknown = { error: { message: 'no' } }, headers: Record<string, string> = {}): Answer =>
    (_asked, res) =>
      json(res, status, body, headers),
  body:
    (text: string): Answer =>
    (_asked, res) =>
      void res.writeHead(200, { 'content-type': 'application/json' }).end(text),
  /** One answer, streamed as the API that was asked streams it. */
  turn:
    (turn: Turn): Answer =>
    (asked, res) => {
      stream(res);
      for (const data of events(asked, turn)) res.write(frame(asked, data));
      res.end();
    },
  /** The same, of which the first half comes; then `rest` has to be called. */
  halfTurn:
    (turn: Turn, paused: (rest: () => void) => void): Answer =>
    (asked, res) => {
      const frames = events(asked, turn).map((data) => frame(asked, data));
      const half = frames.length >> 1;
      stream(res).write(frames.slice(0, half).join(''));
      paused(() => res.end(frames.slice(half).join('')));
    },
  /** Begins to answer, and hangs up. */
  breaksOff:
    (turn: Turn): Answer =>
    (asked, res) => {
      stream(res).write(frame(asked, events(asked, turn)[0] ?? ''), () => res.socket?.destroy());
    },
  /** Events of no form at all. */
  gibberish: (): Answer => (_asked, res) => void stream(res).end('data: {"so": \n\ndata: nothing\n\n'),
  /** Never answers; the connection stays open. */
  silence: (): Answer => () => undefined,
  hangsUp: (): Answer => (_asked, res) => void res.socket?.destroy(),
};

const paths: Record<string, Asked['api']> = { '/v1/chat/completions': 'openai', '/v1/messages': 'anthropic' };

interface Body {
  model: string;
  messages: { role: string; content: string }[];
  system?: string | { text: string }[];
  tools?: { name?: string; function?: { name: string } }[];
  stream?: boolean;
}

/** Models over real HTTP. `script` says what is answered next; when that is over, `usual`. */
export async function stubModel(usual: (asked: Asked) => Answer) {
  const asked: Asked[] = [];
  let script: Answer[] = [];
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (c: Buffer) => chunks.push(c));
    req.on('end', () => {
      // Whoever looks whether it is there asks for its list of models.
      if (req.method === 'GET' && req.url === '/v1/models') return void res.end('{"object":"list","data":[]}');
      const body = Buffer.concat(chunks).toString('utf8');
      const { model, messages, system, tools = [], stream: streams = false } = JSON.parse(body) as Body;
      const api = paths[req.url ?? ''];
      const key = req.headers['idempotency-key'];
      const one: Asked = {
        api: api ?? 'openai', model, messages, key: String(key), authorization: req.headers.authorization, gone: false, body, streams,
        system: Array.isArray(system) ? system.map((s) => s.text).join('\n') : system,
        tools: tools.map((t) => t.function?.name ?? t.name ?? ''), headers: req.headers,
      }; // prettier-ignore
      res.on('close', () => (one.gone = !res.writableFinished));
      asked.push(one);
      if (req.method !== 'POST' || api === undefined) return answers.status(404)(one, res);
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
