import { WebSocketServer, type WebSocket } from 'ws';
import { perOwner } from '../../log/shared';
import type { Kernel } from '../kernel';

// What all WebSockets of a process have in common.

/** Who does not answer for so long is gone. */
const pulseMs = 30_000;
/** Clients say `ping`, and nothing else that is read. */
const maxPayload = 4_096;
const goingAway = 1001;
/** Something went wrong on our side. */
export const trouble = 1011;

export const serverOf = perOwner(
  (_kernel: Kernel) => new WebSocketServer({ noServer: true, maxPayload, perMessageDeflate: false }),
);

/** Notices who went away without a word. */
export function keepPulse(ws: WebSocket): void {
  let answered = true;
  ws.on('pong', () => (answered = true));
  const pulse = setInterval(() => {
    if (!answered) return ws.terminate();
    answered = false;
    ws.ping();
  }, pulseMs);
  ws.once('close', () => clearInterval(pulse));
}

/** Says good-bye to whoever listens, so that they go to another process. */
export function closeSockets(kernel: Kernel): void {
  for (const ws of serverOf(kernel).clients) ws.close(goingAway, 'the server is ending');
}
