import { WebSocket } from 'ws';
import { headersOf, type Reached } from './client';
import { CliError, exits } from './exit';

/** An event of `/api/agents/ws`. */
export interface AgentEvent {
  type: string;
  seq: number;
  at: string;
  agent_id?: number;
  ticket_id?: number;
  status?: string;
  [more: string]: unknown;
}

/** The server says so of a credential that is over; whatever else closes a connection is tried again. */
const policyViolation = 1008;

/**
 * What agents do from now on, as it happens. A connection that is cut is made again and goes on where it was: nothing is told
 * twice, nothing is missed.
 * @throws CliError when the credential is refused, or over
 */
export function watchAgents(server: Reached): {
  /** Resolves once it listens. */
  ready: Promise<void>;
  events: AsyncGenerator<AgentEvent>;
  close(): void;
} {
  const waiting: AgentEvent[] = [];
  let wake: () => void = () => undefined;
  const failures: CliError[] = [];
  let over = false;
  let last: number | null = null;
  let ws: WebSocket | null = null;
  let wait = 250;
  let begun!: () => void;
  let failed!: (error: CliError) => void;
  const ready = new Promise<void>((resolve, reject) => {
    begun = resolve;
    failed = reject;
  });
  ready.catch(() => undefined); // whoever waits for it hears of it; else the events say so
  const fail = (message: string, exit: number): void => {
    const failure = new CliError(message, exit);
    failures.push(failure);
    failed(failure);
    wake();
  };
  const connect = (): void => {
    const since = last === null ? '' : `?since=${last}`;
    ws = new WebSocket(`${server.url.replace(/^http/, 'ws')}/api/agents/ws${since}`, { headers: headersOf(server) });
    ws.on('message', (data: Buffer) => {
      wait = 250;
      const event = JSON.parse(String(data)) as AgentEvent;
      last = Math.max(last ?? 0, event.seq);
      if (event.type === 'connected') return begun();
      waiting.push(event);
      wake();
    });
    ws.on('unexpected-response', (_req, res) => {
      res.resume();
      const { statusCode: status = 0 } = res;
      if (status === 401 || status === 403) fail('This key may not watch agents (agents:read).', exits.refused);
      else again();
    });
    ws.on('error', () => undefined); // `close` follows, or the answer above
    ws.on('close', (code, reason) => {
      if (code === policyViolation) fail(`The key is over: ${String(reason)}.`, exits.refused);
      else again();
    });
  };
  let retry: NodeJS.Timeout | null = null;
  const again = (): void => {
    if (over || failures.length || retry) return;
    retry = setTimeout(() => {
      retry = null;
      connect();
    }, wait);
    wait = Math.min(wait * 2, 10_000);
  };
  connect();
  return {
    ready,
    events: (async function* () {
      while (!over) {
        const next = waiting.shift();
        if (next) yield next;
        else if (failures[0]) throw failures[0];
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    })(),
    close() {
      over = true;
      if (retry) clearTimeout(retry);
      ws?.terminate();
      wake();
    },
  };
}
