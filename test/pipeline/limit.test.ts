import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import { inBlocks } from '../../pipeline/limit';

function shared(points: number) {
  const memory = new RateLimiterMemory({ points, duration: 60 });
  let asked = 0;
  return {
    asked: () => asked,
    consume: (key: string, n?: number): Promise<RateLimiterRes> => {
      asked += 1;
      return memory.consume(key, n);
    },
  };
}
const calls = async (n: number, call: () => Promise<unknown>): Promise<number> =>
  (await Promise.allSettled(Array.from({ length: n }, call))).filter((r) => r.status === 'fulfilled').length;

test('a block is asked for once, also by calls at the same time', async () => {
  const store = shared(100);
  const limiter = inBlocks(store, 10);
  expect(await calls(25, () => limiter.consume('a'))).toBe(25);
  expect(store.asked()).toBe(3);
  expect(await calls(5, () => limiter.consume('a'))).toBe(5);
  expect(store.asked()).toBe(3);
});

test('processes that share a limit let no more through than it allows, and less by no more than a block each', async () => {
  const store = shared(100);
  const processes = [inBlocks(store, 10), inBlocks(store, 10), inBlocks(store, 10)];
  const passed = await Promise.all(processes.map((p) => calls(80, () => p.consume('a'))));
  const total = passed.reduce((sum, n) => sum + n, 0);
  expect(total).toBeLessThanOrEqual(100);
  expect(total).toBeGreaterThanOrEqual(70);
});

test('one key does not spend what another holds', async () => {
  const store = shared(10);
  const limiter = inBlocks(store, 10);
  expect(await calls(12, () => limiter.consume('a'))).toBe(10);
  expect(await calls(12, () => limiter.consume('b'))).toBe(10);
});

test('what is held ends with its window', async () => {
  let now = 0;
  const store = {
    asked: 0,
    consume: () => ((store.asked += 1), Promise.resolve({ msBeforeNext: 100 } as RateLimiterRes)),
  };
  const limiter = inBlocks(store, 10, () => now);
  await limiter.consume('a');
  now = 99;
  await limiter.consume('a');
  expect(store.asked).toBe(1);
  now = 100;
  await limiter.consume('a');
  expect(store.asked).toBe(2);
});

test('a store that is away fails the call', async () => {
  const limiter = inBlocks({ consume: () => Promise.reject(new Error('away')) }, 10);
  await expect(limiter.consume('a')).rejects.toThrow('away');
});
