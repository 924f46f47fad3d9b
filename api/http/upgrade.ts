import { IncomingMessage, ServerResponse, type RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

const offered = Symbol('offered');

/**
 * Requests of a server that also speaks WebSocket. One that offers another protocol (`Upgrade: h2c`, as some clients do with
 * each first request) is answered as if it did not: only a GET for `websocket` leaves HTTP.
 */
export class UpgradableMessage extends IncomingMessage {
  private [offered]?: boolean;
  /** Set by the parser, and read once the headers are there. */
  get upgrade(): boolean {
    return this[offered] === true && this.method === 'GET' && this.headers.upgrade?.toLowerCase() === 'websocket';
  }
  set upgrade(value: boolean | null) {
    this[offered] = value === true;
  }
}

export interface Upgrade {
  socket: Duplex;
  head: Buffer;
  /** No answer follows: the connection is somebody else's from now on. */
  leave(): void;
}
const upgrades = new WeakMap<IncomingMessage, Upgrade>();

/** The connection of a request that asks to become a WebSocket; null: it does not. */
export const upgradeOf = (req: IncomingMessage): Upgrade | null => upgrades.get(req) ?? null;

/** Has such a request go the way of all others, so that it is let in, or refused in the same words. */
export const onUpgrade =
  (listener: RequestListener) =>
  (req: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const gone = (): void => void socket.destroy();
    socket.on('error', gone);
    const res = new ServerResponse(req);
    res.shouldKeepAlive = false;
    res.assignSocket(socket as Socket);
    const over = (): void => void socket.end();
    res.once('finish', over);
    upgrades.set(req, {
      socket,
      head,
      leave() {
        res.removeListener('finish', over);
        res.detachSocket(socket as Socket);
        socket.removeListener('error', gone);
        // For whoever counts and writes down requests.
        res.statusCode = 101;
        res.emit('finish');
        res.emit('close');
      },
    });
    listener(req, res);
  };
