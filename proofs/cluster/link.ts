import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { postgresWire, type PostgresWire } from './wire';

/**
 * Where a connection can be held: before or after a commit (links to Postgres), before or after the other side has done
 * what was asked and before its answer arrives (`effect`, links to the sink; `ack`, links to an API).
 */
export type Point =
  | 'before-commit' | 'after-commit' | 'before-effect' | 'after-effect' | 'before-ack' | 'after-ack'; // prettier-ignore

export interface Held {
  /** Of the transaction at hand, on links to Postgres. */
  statements: readonly string[];
}
export interface Watch {
  point: Point;
  /** Which of those that come by; all when it is not there. */
  when?: (held: Held) => boolean;
  /** Called while the bytes are held: they go on when it answers `pass`, and are lost with their connection on `drop`. */
  then: (held: Held) => Promise<'pass' | 'drop'>;
}

/** A network link between two parts, as a TCP proxy that can be made to fail. Everything is loopback. */
export interface Link {
  readonly name: string;
  readonly port: number;
  /** Resets what is connected, and whoever connects from now on. */
  cut(): void;
  /** Takes back `cut`, `delay` and watches that have not come by. */
  mend(): void;
  /** Holds every chunk for that long, in both directions; 0: no longer. */
  delay(ms: number): void;
  /** Resets (RST) every connection, in the middle of whatever it is at. */
  reset(): void;
  /** The next `n` requests are passed on; their replies are swallowed, and their connections reset. */
  dropReply(n?: number): void;
  /** Watches for the next time that a connection comes to the point. Answers how to give up. */
  onPoint(watch: Watch): () => void;
  /** Resolves when the next chunk has been passed on. */
  carried(): Promise<void>;
  /** Faults that really hit a connection. */
  readonly faults: number;
  close(): Promise<void>;
}

/** Which point a chunk from the caller (`front`) or the other side (`back`) comes to. */
const points = {
  postgres: { front: 'before-commit', back: 'after-commit', passed: null },
  http: { front: null, back: 'before-ack', passed: 'after-ack' },
  sink: { front: 'before-effect', back: 'after-effect', passed: null },
  grpc: { front: null, back: null, passed: null },
} as const satisfies Record<string, Record<'front' | 'back' | 'passed', Point | null>>;
export type Protocol = keyof typeof points;

interface Connection {
  caller: Socket;
  other: Socket;
  /** Something was asked and not answered yet. */
  asked: boolean;
}

/** @throws what keeps it from listening */
export async function openLink(name: string, protocol: Protocol, targetPort: number): Promise<Link> {
  const connections = new Set<Connection>();
  let watches: Watch[] = [];
  let isCut = false;
  let delayMs = 0;
  let drops = 0;
  let faults = 0;
  let waiting: (() => void)[] = [];

  const kill = (c: Connection): void => {
    if (connections.delete(c)) faults += 1;
    c.caller.resetAndDestroy();
    c.other.resetAndDestroy();
  };
  const hold = async (point: Point | null, wire: PostgresWire | null): Promise<'pass' | 'drop'> => {
    const held = { statements: wire?.statements ?? [] };
    const watch = watches.find((w) => w.point === point && (w.when?.(held) ?? true));
    if (!watch) return 'pass';
    watches = watches.filter((w) => w !== watch);
    return watch.then(held);
  };
  /** One direction of one connection: chunk after chunk, each only once the one before is through. */
  const carry = (c: Connection, wire: PostgresWire | null, side: 'front' | 'back'): void => {
    const [from, to] = side === 'front' ? [c.caller, c.other] : [c.other, c.caller];
    let turn = Promise.resolve();
    const pass = async (chunk: Buffer): Promise<void> => {
      if (delayMs) await pause(delayMs);
      if (!connections.has(c)) return;
      const commit = side === 'front' ? wire?.front(chunk) : wire?.back(chunk);
      const answers = side === 'back' && c.asked;
      const there = wire ? commit : side === 'front' || answers;
      if (side === 'front') c.asked = true;
      else c.asked = false;
      if (answers && drops > 0) {
        drops -= 1;
        return kill(c);
      }
      if (there && (await hold(points[protocol][side], wire)) === 'drop') return kill(c);
      if (!connections.has(c) || to.destroyed) return;
      to.write(chunk);
      for (const tell of waiting) tell();
      waiting = [];
      if (side === 'back' && there && (await hold(points[protocol].passed, wire)) === 'drop') kill(c);
    };
    from.on('data', (chunk: Buffer) => void (turn = turn.then(() => pass(chunk))));
    from.on('end', () => void (turn = turn.then(() => void to.end())));
    from.on('error', () => void (turn = turn.then(() => void to.resetAndDestroy()))); // what one end suffers, the other hears
    from.on('close', () => {
      if (c.caller.destroyed && c.other.destroyed) connections.delete(c);
      turn = turn.then(() => void to.end());
    });
  };
  const server = createServer((caller) => {
    if (isCut) {
      faults += 1;
      caller.on('error', () => undefined).resetAndDestroy();
      return;
    }
    const other = connect(targetPort, '127.0.0.1');
    for (const socket of [caller, other]) socket.setNoDelay(true);
    const c: Connection = { caller, other, asked: false };
    connections.add(c);
    const wire = protocol === 'postgres' ? postgresWire() : null;
    carry(c, wire, 'front');
    carry(c, wire, 'back');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const resetAll = (): void => [...connections].forEach(kill);
  return {
    name,
    port: (server.address() as AddressInfo).port,
    cut: () => {
      isCut = true;
      resetAll();
    },
    mend: () => {
      isCut = false;
      delayMs = 0;
      drops = 0;
      watches = [];
    },
    delay: (ms) => (delayMs = ms) && undefined,
    reset: resetAll,
    dropReply: (n = 1) => void (drops += n),
    onPoint: (watch) => {
      watches.push(watch);
      return () => void (watches = watches.filter((w) => w !== watch));
    },
    carried: () => new Promise((resolve) => waiting.push(resolve)),
    get faults() {
      return faults;
    },
    close: async () => {
      const closed = once(server.close(), 'close');
      resetAll();
      await closed;
    },
  };
}
