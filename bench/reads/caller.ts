import { connect, type Socket } from 'node:net';

/** One keep-alive connection with one request at a time: as little work as a client can be. Answers with its status. */
export class Caller {
  private waiting: ((status: number) => void) | null = null;
  private head = '';
  private missing = -1;
  private status = 0;

  private constructor(private readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.read(chunk));
  }

  static async open(host: string, port: number): Promise<Caller> {
    const socket = connect(port, host);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve).once('error', reject);
    });
    return new Caller(socket);
  }

  get(request: string): Promise<number> {
    return new Promise((resolve) => {
      this.waiting = resolve;
      this.socket.write(request, 'latin1');
    });
  }

  close(): void {
    this.socket.destroy();
  }

  /** The body is counted, not looked at. @throws Error when an answer has no Content-Length */
  private read(chunk: Buffer): void {
    let body = chunk.length;
    if (this.missing < 0) {
      this.head += chunk.toString('latin1');
      const end = this.head.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = /\r\ncontent-length: (\d+)/i.exec(this.head)?.[1];
      if (length === undefined) throw new Error(`an answer without a length: ${this.head.slice(0, end)}`);
      this.status = Number(this.head.slice(9, 12));
      body = this.head.length - end - 4;
      this.missing = Number(length);
      this.head = '';
    }
    this.missing -= body;
    if (this.missing > 0) return;
    this.missing = -1;
    const answered = this.waiting;
    this.waiting = null;
    answered?.(this.status);
  }
}
