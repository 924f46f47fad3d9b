import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

/** Ports of this machine that nobody listens on at this moment, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

/** Free ones below those that the system hands out by itself, for programs that can't hold a larger number. */
export async function freeLowPorts(count: number): Promise<number[]> {
  const [lowest, highest] = [20_000, 32_000];
  const found: number[] = [];
  for (let port = randomInt(lowest, highest - 1_000); port < highest && found.length < count; port += 1) {
    const server = createServer();
    try {
      await once(server.listen(port, '127.0.0.1'), 'listening');
      found.push(port);
      await once(server.close(), 'close');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
  if (found.length < count) throw new Error(`fewer than ${count} free ports between ${lowest} and ${highest}`);
  return found;
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
