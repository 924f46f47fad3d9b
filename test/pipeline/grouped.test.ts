import { grouped } from '../../pipeline/grouped';

/** Work that is over when it is told so, and what it was given, piece by piece. */
function held(fails: (item: string) => boolean = () => false) {
  const pieces: string[][] = [];
  const open: (() => void)[] = [];
  const work = async (items: readonly string[]): Promise<string[]> => {
    pieces.push([...items]);
    await new Promise<void>((resolve) => open.push(resolve));
    const bad = items.find(fails);
    if (bad !== undefined) throw new Error(bad);
    return items.map((i) => `${i}!`);
  };
  const letGo = async (): Promise<void> => {
    while (!open.length) await new Promise(setImmediate);
    open.shift()?.();
    await new Promise(setImmediate);
  };
  return { pieces, work, letGo };
}
const free = { keysOf: () => [], most: 3, atOnce: 1 };

test('what comes while a piece is under way goes together next, up to the most of a piece', async () => {
  const { pieces, work, letGo } = held();
  const ask = grouped(work, free);
  const first = ask('a');
  await Promise.resolve();
  const others = ['b', 'c', 'd', 'e'].map((i) => ask(i));
  for (let n = 0; n < 3; n += 1) await letGo();
  expect(await first).toBe('a!');
  expect(await Promise.all(others)).toEqual(['b!', 'c!', 'd!', 'e!']);
  expect(pieces).toEqual([['a'], ['b', 'c', 'd'], ['e']]);
});

test('a piece that fails is repeated item by item: only the one at fault fails', async () => {
  const { pieces, work, letGo } = held((item) => item === 'bad');
  const ask = grouped(work, free);
  const all = Promise.allSettled(['a', 'bad', 'c'].map((i) => ask(i)));
  for (let n = 0; n < 4; n += 1) await letGo();
  expect(await all).toEqual([
    { status: 'fulfilled', value: 'a!' },
    { status: 'rejected', reason: new Error('bad') },
    { status: 'fulfilled', value: 'c!' },
  ]);
  expect(pieces).toEqual([['a', 'bad', 'c'], ['a'], ['bad'], ['c']]);
});

test('two with the same key go one after the other, in the order in which they came', async () => {
  const { pieces, work, letGo } = held();
  const ask = grouped(work, { ...free, keysOf: (i) => [i.charAt(0), null] });
  const all = Promise.all(['x1', 'y1', 'x2', 'x3'].map((i) => ask(i)));
  for (let n = 0; n < 3; n += 1) await letGo();
  await all;
  expect(pieces).toEqual([['x1', 'y1'], ['x2'], ['x3']]);
});
