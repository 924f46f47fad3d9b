import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/** Linux hands out 32768 and above; Temporal can't announce itself to its cluster on a port above 32767. */
const [lowest, highest] = [16_384, 32_768];

/**
 * Ports that nobody listens on at this moment, all different, and below those that the system hands out to connections by
 * itself: what is down for a moment finds its own still free when it starts again, not taken by somebody's outgoing
 * connection. Picked at random, so that two programs that look at the same time find different ones.
 */
export async function freePorts(count: number): Promise<number[]> {
  const held = new Map<number, Server>();
  try {
    for (let tries = 0; held.size < count; tries += 1) {
      if (tries > 100 * count) throw new Error(`fewer than ${count} free ports between ${lowest} and ${highest}`);
      const port = randomInt(lowest, highest);
      const server = createServer();
      try {
        await once(server.listen(port, '127.0.0.1'), 'listening');
        held.set(port, server);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      }
    }
    return [...held.keys()];
  } finally {
    await Promise.all([...held.values()].map((server) => once(server.close(), 'close')));
  }
}

/** @throws Error with one line when the address is taken or can't be used. */
export async function assertFree(host: string, port: number): Promise<void> {
  const server = createServer();
  try {
    await once(server.listen(port, host), 'listening');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const why =
      code === 'EADDRINUSE' ? 'is taken by another program: set PORT to a free one' : `can't be used (${code})`;
    throw new Error(`Port ${port} on ${host} ${why}.`);
  }
  await once(server.close(), 'close');
}
