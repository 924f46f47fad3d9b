import { createServer, connect, type AddressInfo, type Server as NetServer, type Socket } from 'node:net';

/** A wire that can be cut, or on which nothing moves. */
export async function wire(to: { host: string; port: number }) {
  const sockets = new Set<Socket>();
  let cut = false;
  /** Of what the far end says: when so many bytes have come by, this happens, once. */
  let due: { bytes: number; then: (far: Socket, near: Socket) => void } | null = null;
  const server: NetServer = createServer((near) => {
    if (cut) return void near.destroy();
    const far = connect(to);
    far.on('data', (chunk: Buffer) => {
      if (!due || (due.bytes -= chunk.length) > 0) return;
      const { then } = due;
      due = null;
      then(far, near);
    });
    for (const [a, b] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(a);
      a.on('error', () => b.destroy()).on('close', () => { sockets.delete(a); b.destroy(); }).pipe(b); // prettier-ignore
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const breakAll = (): void => {
    cut = true;
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut: breakAll,
    cutAfter: (bytes: number): void => void (due = { bytes, then: breakAll }),
    /** Resolves when it stands still: with what lets it go on. */
    stillAfter: (bytes: number): Promise<() => void> =>
      new Promise((resolve) => {
        const then = (far: Socket, near: Socket): void => {
          far.unpipe().pause();
          resolve(() => void far.pipe(near));
        };
        due = { bytes, then };
      }),
    mend: () => void (cut = false),
    async close() {
      breakAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
