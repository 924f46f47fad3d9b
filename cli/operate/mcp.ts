import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { isInitializeRequest, type JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import type { Config } from '../../config';
import { headersOf, serverOf } from './client';

/** What a server says of itself when a session begins: from then on each request names the version that both speak. */
const versionIn = (message: JSONRPCMessage): string | null => {
  const result = 'result' in message ? (message.result as { protocolVersion?: unknown }) : {};
  return typeof result.protocolVersion === 'string' ? result.protocolVersion : null;
};

/** The server's MCP door on standard input and output: each message is passed on as it is, in both directions. */
export async function mcp(config: Config): Promise<void> {
  const server = await serverOf(config);
  const near = new StdioServerTransport();
  const far = new StreamableHTTPClientTransport(new URL('/mcp', server.url), {
    requestInit: { headers: headersOf(server) },
  });
  const complain = (error: Error): void => void process.stderr.write(`${error.message}\n`);
  const over = new Promise<void>((resolve) => {
    near.onclose = resolve;
    process.stdin.once('end', resolve);
  });
  near.onerror = complain;
  // What could not be passed on is said in answer to the message that it was about.
  far.onerror = () => undefined;
  let initialize: unknown = null;
  far.onmessage = (message: JSONRPCMessage) => {
    if ('id' in message && message.id === initialize) {
      const version = versionIn(message);
      if (version !== null) far.setProtocolVersion(version);
    }
    near.send(message).catch(complain);
  };
  near.onmessage = (message) => {
    if (isInitializeRequest(message) && 'id' in message) initialize = message.id;
    far.send(message).catch((error: Error) => {
      complain(error);
      if (!('method' in message && 'id' in message)) return;
      near.send({ jsonrpc: '2.0', id: message.id, error: { code: -32000, message: error.message } }).catch(complain);
    });
  };
  await far.start();
  await near.start();
  await over;
  await far.terminateSession().catch(complain);
  await far.close();
}
