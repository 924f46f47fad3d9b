import { randomUUID } from 'node:crypto';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { NotFound } from '../../domain/errors';
import type { Principal } from '../../domain/principal';
import { perOwner } from '../../log/shared';
import type { Kernel } from '../kernel';
import { mcpServer } from './server';

interface Session {
  transport: StreamableHTTPServerTransport;
  owner: string;
  usedAt: number;
}

/** So long a session is kept without a message; a client whose session is gone begins another by itself. */
const idleMs = 30 * 60_000;
const perPrincipal = 20;
const most = 1_000;

const ownerOf = ({ tenantId, id }: Principal): string => `${tenantId} ${id}`;

/** Sessions of one process: what a client said that it can do, and nothing that has to outlast one. */
class Sessions {
  private readonly open = new Map<string, Session>();
  constructor(private readonly logger: Kernel['logger']) {}

  /** A session of somebody else is none. @throws NotFound: the client is to begin another */
  of(id: string, principal: Principal): StreamableHTTPServerTransport {
    this.sweep();
    const found = this.open.get(id);
    if (found?.owner !== ownerOf(principal)) throw new NotFound('no such session: begin another', { field: 'Mcp-Session-Id' });
    found.usedAt = Date.now();
    return found.transport;
  } // prettier-ignore

  /** One that becomes a session when it is initialized. */
  async begin(principal: Principal): Promise<StreamableHTTPServerTransport> {
    const owner = ownerOf(principal);
    const transport: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => {
        this.makeRoom(owner);
        this.open.set(id, { transport, owner, usedAt: Date.now() });
      },
    });
    const server = mcpServer();
    server.onerror = (err) => this.logger.debug({ err }, 'an MCP session failed at something');
    // Also when the client ends it.
    server.onclose = () => void (transport.sessionId !== undefined && this.open.delete(transport.sessionId));
    await server.connect(transport);
    return transport;
  }

  closeAll(): void {
    for (const { transport } of [...this.open.values()]) this.end(transport);
  }

  private end(transport: StreamableHTTPServerTransport): void {
    transport.close().catch((err: unknown) => this.logger.warn({ err }, 'an MCP session was not closed'));
  }

  private sweep(): void {
    const since = Date.now() - idleMs;
    for (const { transport, usedAt } of [...this.open.values()]) if (usedAt < since) this.end(transport);
  }

  /** Whoever begins more than they may have loses the one that was used longest ago. */
  private makeRoom(owner: string): void {
    this.sweep();
    const oldest = (of: Session[]) => of.sort((a, b) => a.usedAt - b.usedAt)[0];
    const all = [...this.open.values()];
    const own = all.filter((s) => s.owner === owner);
    const one = own.length >= perPrincipal ? oldest(own) : all.length >= most ? oldest(all) : undefined;
    if (one) this.end(one.transport);
  }
}

export const sessionsOf = perOwner((kernel: Kernel) => new Sessions(kernel.logger));
