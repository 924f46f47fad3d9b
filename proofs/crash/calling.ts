import { random } from '../random';
import { caller } from './caller';
import { journal, write } from './journal';
import { life } from './life';

// Callers as a process of their own, that can be killed. A life that was cut off is lived again from its start, with the
// same Idempotency-Keys and thus the same answers. SIGTERM: what has begun is finished, and nothing is begun.

const [file = '', seed = '0', atOnce = '1', token = '', approver = '', ...urls] = process.argv.slice(2);

const before = journal(file).read();
const ended = new Set(before.flatMap((l) => (l.kind === 'over' ? [l.life] : [])));
const begun = new Set(before.map((l) => l.life));
const cutOff = [...begun].filter((n) => !ended.has(n));
let fresh = Math.max(-1, ...begun) + 1;
let over = false;

async function live(n: number): Promise<void> {
  let calls = 0;
  const api = caller(urls);
  try {
    await life({ token, approver }, random(Number(seed) + n), async (path, body, key) => {
      const name = `${seed}-${n}-${(calls += 1)}`;
      const answer = await api.post(path, key, body, name);
      write(file, {
        kind: 'acknowledged',
        life: n,
        key: name,
        path,
        status: answer.status,
        body: answer.body,
        at: Date.now(),
      });
      return answer;
    });
  } catch (e) {
    write(file, { kind: 'wrong', life: n, what: String(e) });
  }
  write(file, { kind: 'over', life: n });
}

process.once('SIGTERM', () => (over = true));
process.once('disconnect', () => process.exit());
process.send?.('ready');
void Promise.all(
  Array.from({ length: Number(atOnce) }, async () => {
    while (!over) await live(cutOff.shift() ?? fresh++);
  }),
).then(() => process.exit());
