import { serveProvider } from './server';

// The stand-in as a process of its own, which can be killed and remembers.

const [file = '', port = '0', token = ''] = process.argv.slice(2);
const die = (): void => void process.kill(process.pid, 'SIGKILL');
void serveProvider(file, Number(port), token, die).then(
  ({ close }) => {
    process.send?.('ready');
    for (const signal of ['SIGTERM', 'SIGINT', 'disconnect'] as const)
      process.once(signal, () => void close().then(() => process.exit(0)));
  },
  (e: unknown) => {
    process.stderr.write(`${String(e)}\n`);
    process.exit(1);
  },
);
