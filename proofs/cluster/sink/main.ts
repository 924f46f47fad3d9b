import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { createServer } from 'node:http';
import { z } from 'zod';
import type { SinkLine } from './line';

// An outside system that supports idempotency keys and fencing tokens, and remembers over its own crashes.

const [file = '', port = '0'] = process.argv.slice(2);
const Asked = z.strictObject({
  tenant: z.string(), run: z.string(), step: z.int(), key: z.string(), attempt: z.int(), fence: z.int(), digest: z.string(),
}); // prettier-ignore

/** Digest by key. */
const done = new Map<string, string>();
/** Highest fence by run and step. */
const fences = new Map<string, number>();
const known = (line: SinkLine): void => {
  if (line.outcome === 'applied') done.set(line.key, line.digest);
  const place = `${line.run}:${line.step}`;
  fences.set(place, Math.max(fences.get(place) ?? 0, line.fence));
};
if (existsSync(file)) {
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  for (const line of lines) known(JSON.parse(line) as SinkLine);
}
const fd = openSync(file, 'a');

const outcomeOf = (asked: z.output<typeof Asked>): SinkLine['outcome'] => {
  if (asked.fence < (fences.get(`${asked.run}:${asked.step}`) ?? 0)) return 'stale';
  const before = done.get(asked.key);
  if (before === undefined) return 'applied';
  return before === asked.digest ? 'replayed' : 'conflict';
};

const server = createServer((req, res) => {
  const body: Buffer[] = [];
  req.on('data', (chunk: Buffer) => body.push(chunk));
  req.on('end', () => {
    const asked = Asked.safeParse(JSON.parse(Buffer.concat(body).toString()));
    if (!asked.success) return void res.writeHead(400).end(JSON.stringify(asked.error.issues));
    const line: SinkLine = { ...asked.data, at: Date.now(), outcome: outcomeOf(asked.data) };
    writeSync(fd, `${JSON.stringify(line)}\n`);
    fsyncSync(fd);
    known(line);
    const status = line.outcome === 'stale' || line.outcome === 'conflict' ? 409 : 200;
    const said = { outcome: line.outcome === 'replayed' ? 'applied' : line.outcome, receipt: line.key };
    res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(said));
  });
});
server.listen(Number(port), '127.0.0.1', () => process.send?.('ready'));
for (const signal of ['SIGTERM', 'SIGINT', 'disconnect'] as const) {
  process.once(signal, () => {
    closeSync(fd);
    process.exit(0);
  });
}
