import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { ErrorCode, McpError } from '@modelcontextprotocol/sdk/types.js';
import type { Logger } from 'pino';
import { BadGateway, DomainError } from '../../domain/errors';
import type { Hide } from '../hiding';
import { filterOutput } from '../output-filter';
import { ChildTransport, type Program, type Watcher } from './child';
import { guardedFetch } from './guarded-fetch';

export interface ConnectionSettings {
  allowPrivate: boolean;
  /** Of one message, and of what comes unasked. */
  maxBytes: number;
  /** Until a server that was begun knows us. */
  connectMs: number;
  /** A connection that nobody uses for so long is closed. */
  idleMs: number;
  /** Child processes of this worker at a time. */
  mostChildren: number;
}

/** How a server is spoken to, with what only it may see. */
export type Endpoint =
  { kind: 'http'; url: string; headers: Record<string, string> } | { kind: 'stdio'; program: Program };

export interface Use {
  /** Changes with whatever it takes to speak to the server. */
  key: string;
  endpoint: () => Endpoint;
  signal: AbortSignal;
  /** A look: keeps nothing open that would not be. */
  passing?: boolean;
  /** Puts references back in the place of secrets, before words are cut. */
  hide?: Hide;
  /** The server is given secrets: what it writes unasked is told to nobody from then on, for it may be those. */
  confiding?: boolean;
}

interface Connection {
  key: string;
  kind: Endpoint['kind'];
  client: Promise<Client>;
  transport: Transport;
  users: number;
  /** Nobody else is to use it: it did not answer, or broke a rule. */
  retired: boolean;
  idle: NodeJS.Timeout | null;
  /** What was wrong with it last, for whoever hears only that it is closed. */
  trouble: string | null;
  /** It was given secrets. */
  confided: boolean;
}

/** What people are told went wrong, without anything secret in it. */
export const plainly = (text: string, most = 500): string =>
  String(filterOutput(text).value).slice(0, most).toWellFormed();

/** Of an answer that is not what the protocol says, the first thing that is wrong with it. */
function ofAnswer(e: Error): string | null {
  const { issues } = e as { issues?: unknown };
  if (!Array.isArray(issues)) return null;
  const [issue] = issues as { path?: PropertyKey[]; message?: string }[];
  const at = (issue?.path ?? []).map(String).join('.');
  return `it does not speak the protocol: ${[at, issue?.message ?? 'its answer has another form'].filter(Boolean).join(': ')}`;
}

const wordsOf = (e: unknown): string => {
  if (!(e instanceof Error)) return String(e);
  const form = ofAnswer(e);
  if (form !== null) return form;
  const { cause } = e as { cause?: unknown };
  return cause instanceof Error ? `${e.message}: ${cause.message}` : e.message;
};

/** The server itself said no, in order: the connection is as good as before. */
const isAnswer = (e: unknown): boolean =>
  e instanceof McpError && e.code !== Number(ErrorCode.ConnectionClosed) && e.code !== Number(ErrorCode.RequestTimeout);

/** Connections to tool servers: one a server, shared by those who call it, begun when needed and closed when not. */
export class Connections {
  private readonly open = new Map<string, Connection>();
  private readonly all = new Set<Connection>();
  private readonly ending = new Set<Promise<void>>();
  private closed = false;

  constructor(
    private readonly settings: ConnectionSettings,
    private readonly watcher: Watcher,
    private readonly logger: Logger,
  ) {}

  /**
   * Speaks to the server.
   * @throws BadGateway with what went wrong; what `signal` was aborted with, when it was
   */
  async use<T>(asked: Use, work: (client: Client) => Promise<T>): Promise<T> {
    const { key, endpoint, signal, passing = false, hide = (text) => text, confiding = false } = asked;
    signal.throwIfAborted();
    const stands = this.open.get(key);
    const connection = stands ?? this.begin(key, endpoint());
    connection.users += 1;
    connection.confided ||= confiding;
    if (!passing) this.wake(connection);
    try {
      return await work(await connection.client);
    } catch (e) {
      if (e instanceof DomainError) throw e; // of what was answered, not of the connection
      if (!isAnswer(e)) this.retire(connection);
      signal.throwIfAborted();
      const { trouble, transport, confided } = connection;
      const words = transport instanceof ChildTransport ? transport.lastWords : '';
      const unasked = confided ? [] : [trouble, words && `it wrote: ${words}`];
      const parts = [wordsOf(e), ...unasked].filter((part) => part !== null && part !== '');
      throw new BadGateway(plainly(hide([...new Set(parts)].join('; '))));
    } finally {
      connection.users -= 1;
      if (passing && !stands && connection.users === 0) this.retire(connection);
      else this.rest(connection);
    }
  }

  private wake(connection: Connection): void {
    if (connection.idle) clearTimeout(connection.idle);
    connection.idle = null;
  }

  private transportTo(endpoint: Endpoint): Transport {
    const { allowPrivate, maxBytes, mostChildren } = this.settings;
    if (endpoint.kind === 'http')
      // The SDK's classes say `undefined` where exactOptionalPropertyTypes wants the property left out.
      return new StreamableHTTPClientTransport(new URL(endpoint.url), {
        fetch: guardedFetch({ allowPrivate, maxBytes }),
        requestInit: { headers: endpoint.headers },
      });
    const children = [...this.all].filter((c) => c.kind === 'stdio');
    const unused = children.find((c) => c.users === 0);
    if (children.length >= mostChildren && unused) this.retire(unused);
    else if (children.length >= mostChildren)
      throw new BadGateway(`${mostChildren} tool servers run already: try later`);
    return new ChildTransport(endpoint.program, this.watcher, maxBytes);
  }

  private begin(key: string, endpoint: Endpoint): Connection {
    if (this.closed) throw new Error('this worker is ending');
    const transport = this.transportTo(endpoint);
    const client = new Client({ name: 'wheelhouse', version: '1' }, { capabilities: {} });
    const connection: Connection = {
      key, kind: endpoint.kind, transport, users: 0, retired: false, idle: null, trouble: null, confided: false,
      client: client.connect(transport, { timeout: this.settings.connectMs }).then(() => client),
    }; // prettier-ignore
    client.onerror = (e) => {
      connection.trouble = wordsOf(e);
      // A stream that broke off brings no answer any more: whoever waits hears so now.
      if (endpoint.kind === 'http' && /stream disconnected/.test(e.message)) this.retire(connection, true);
    };
    client.onclose = () => this.retire(connection);
    this.open.set(key, connection);
    this.all.add(connection);
    return connection;
  }

  private rest(connection: Connection): void {
    if (connection.users > 0) return;
    if (connection.retired) return this.end(connection);
    connection.idle ??= setTimeout(() => this.retire(connection), this.settings.idleMs).unref();
  }

  /** Takes it out of use; it is closed when the last who uses it is done, or `now`. */
  private retire(connection: Connection, now = false): void {
    connection.retired = true;
    if (this.open.get(connection.key) === connection) this.open.delete(connection.key);
    if (now || connection.users === 0) this.end(connection);
  }

  private end(connection: Connection): void {
    if (!this.all.delete(connection)) return;
    this.wake(connection);
    const ended = connection.transport.close();
    this.ending.add(ended);
    ended
      .catch((err: unknown) =>
        this.logger.warn({ err, server: connection.key }, 'a tool server was not closed in order'),
      )
      .finally(() => this.ending.delete(ended));
  }

  /** Closes all of them. Child processes have ended when it resolves. */
  async close(): Promise<void> {
    this.closed = true;
    for (const connection of [...this.all]) this.retire(connection, true);
    await Promise.allSettled(this.ending);
    this.watcher.close();
  }
}
