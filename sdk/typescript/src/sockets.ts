/** As much of a WebSocket as is needed: the global one, and that of `ws`. */
export interface Socket {
  readonly readyState: number;
  send(text: string): void;
  close(code?: number): void;
  addEventListener(type: 'open' | 'error', listener: () => void): void;
  addEventListener(type: 'close', listener: (event: { code: number }) => void): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
}
export type WebSocketClass = new (url: string) => Socket;

/** What a socket is opened with. */
interface Opened {
  readonly baseUrl: string;
  readonly webSocket: WebSocketClass | null;
  token(): Promise<string | null>;
}

interface Told {
  type?: string;
  payload?: { task_id?: string };
}

/**
 * Hears what is told of a task over one WebSocket, until that ends.
 * @returns `refused` when coming back is of no use: there is no such thing here, or whoever calls may not listen
 */
export async function hear(
  connection: Opened,
  task: { id: string; agentId: string },
  signal: AbortSignal,
  told: (type: string) => void,
): Promise<'refused' | 'ended'> {
  const token = await connection.token();
  if (!connection.webSocket || token === null || signal.aborted) return 'refused';
  let socket: Socket;
  try {
    socket = new connection.webSocket(`${connection.baseUrl.replace(/^http/, 'ws')}/v1/ws`);
  } catch {
    // A page whose policy allows none.
    return 'refused';
  }
  let refused = false;
  const say = (message: object): void => socket.send(JSON.stringify(message));
  const close = (): void => socket.close();
  signal.addEventListener('abort', close, { once: true });
  return new Promise((resolve) => {
    socket.addEventListener('open', () => say({ type: 'auth', token }));
    socket.addEventListener('message', ({ data }) => {
      const { type = '', payload } = JSON.parse(String(data)) as Told;
      if (type === 'auth_ok') say({ type: 'subscribe', channel: 'agent_events', agent_id: task.agentId });
      if (type === 'subscribed' || payload?.task_id === task.id) told(type);
      // It may not hear of this agent: no later subscription would be another.
      if (type === 'error') {
        refused = true;
        close();
      }
    });
    // What went wrong is said by the end that follows.
    socket.addEventListener('error', () => undefined);
    socket.addEventListener('close', ({ code }) => {
      signal.removeEventListener('abort', close);
      resolve(refused || code === 4401 || code === 4403 ? 'refused' : 'ended');
    });
  });
}
