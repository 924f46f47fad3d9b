import { setImmediate } from 'node:timers/promises';
import { evaluationMs, type Evaluated, type Evaluator, type Loaded } from './evaluator';

/** Of inputs that are asked about together. */
const togetherMs = 1_000;

/**
 * What each policy says of each input, as it would of a call by itself. What is asked together and takes too long is asked one by
 * one: then what is late is late by itself, and that denies as it would deny the call.
 * @param until performance.now(); of what was not come to by then there is no answer
 * @returns the policies' answers of the first inputs, of all where there was time
 */
export async function askEach(
  evaluator: Pick<Evaluator, 'ask'>,
  owner: string,
  policies: readonly Loaded[],
  inputs: readonly string[],
  until: number,
): Promise<(readonly Evaluated[])[]> {
  const answered: (readonly Evaluated[])[] = [];
  let size = inputs.length;
  while (answered.length < inputs.length && performance.now() < until) {
    const part = inputs.slice(answered.length, answered.length + size);
    const said = await evaluator.ask(owner, policies, part, part.length > 1 ? togetherMs : evaluationMs);
    const before = answered.length;
    for (let i = 0; i < part.length; i += 1) {
      const of = said.slice(i * policies.length, (i + 1) * policies.length);
      if (of.some((one) => 'error' in one && one.unasked)) break;
      answered.push(of);
    }
    if (answered.length > before) continue;
    if (size === 1) break; // there was no place for it
    size = 1;
  }
  return answered;
}

/** For what computes for long where everybody's requests are: awaited often, it lets them in every ten milliseconds. */
export function givingWay(): () => Promise<void> {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < 10) return;
    await setImmediate();
    since = performance.now();
  };
}
