import { Pool } from 'pg';
import { flushes } from '../../db/flush';

/** Flushes that end when told to; `asked` says who asked for them. */
function disk() {
  const flushing = flushes(new Pool());
  const asked: { by: string; end: () => void; fail: (e: Error) => void }[] = [];
  const join = (by: string): Promise<void> =>
    flushing.join(() => new Promise<void>((end, fail) => void asked.push({ by, end, fail })));
  return { flushing, asked, join, by: () => asked.map((a) => a.by) };
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('one flush at a time; who comes while it runs waits for the next, which one asks for on behalf of all', async () => {
  const { flushing, asked, join, by } = disk();
  const answered: string[] = [];
  const wait = (who: string) => void join(who).then(() => answered.push(who));
  expect(flushing.idle).toBe(true);
  wait('a');
  expect(flushing.awaited).toBe(false);
  wait('b');
  expect(flushing.awaited).toBe(true);
  wait('c');
  await turn();
  expect(by()).toEqual(['a']);
  asked[0]?.end();
  await turn();
  // What b and c committed came after a's flush was asked for: that one says nothing of theirs.
  expect(answered).toEqual(['a']);
  expect(by()).toEqual(['a', 'b']);
  wait('d');
  asked[1]?.end();
  await turn();
  expect(answered).toEqual(['a', 'b', 'c']);
  expect(by()).toEqual(['a', 'b', 'd']);
  asked[2]?.end();
  await turn();
  expect(answered).toEqual(['a', 'b', 'c', 'd']);
  expect(flushing.idle).toBe(true);
});

test('a flush that fails is told to those who waited for it, and to nobody after them', async () => {
  const { flushing, asked, join } = disk();
  const first = join('a');
  const next = [join('b'), join('c')];
  asked[0]?.fail(new Error('gone'));
  await expect(first).rejects.toThrow('gone');
  await turn();
  asked[1]?.fail(new Error('gone too'));
  for (const one of next) await expect(one).rejects.toThrow('gone too');
  expect(flushing.idle).toBe(true);
  const later = join('d');
  asked[2]?.end();
  await later;
});
