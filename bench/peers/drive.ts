import { median } from '../row';
import type { Peer, Throughput } from './peer';

const verdict = 'approved';

/** Whole lives, one after the other, of as many callers at once as are wanted. */
export async function throughput(peer: Peer, callers: number, seconds: number): Promise<Throughput> {
  let lives = 0;
  const from = performance.now();
  const until = from + seconds * 1000;
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (performance.now() < until) {
        await decide(peer, await peer.open());
        lives += 1;
      }
    }),
  );
  return { lives, perSecond: lives / ((performance.now() - from) / 1000) };
}

/** From the decision to its result on gates that wait, one at a time: median, in ms. */
export async function latency(peer: Peer, count: number): Promise<number> {
  const waiting: string[] = [];
  for (let n = 0; n < count; n += 1) waiting.push(await peer.open());
  const took: number[] = [];
  for (const gate of waiting) {
    const from = performance.now();
    await decide(peer, gate);
    took.push(performance.now() - from);
  }
  return median(took);
}

async function decide(peer: Peer, gate: string): Promise<void> {
  await peer.decide(gate, verdict);
  const result = await peer.result(gate);
  if (result !== verdict) throw new Error(`${peer.name}: ${verdict} was decided, ${result} came out`);
}
