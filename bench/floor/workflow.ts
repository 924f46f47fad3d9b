import { condition, defineUpdate, setHandler } from '@temporalio/workflow';

/** The floor: a gate that Temporal alone holds. No activity, no row, no log. */
export const decideBare = defineUpdate<string, [string]>('decide');
export const completeBare = defineUpdate<string, [string]>('complete');

export async function bareGate(): Promise<string> {
  let status = 'pending';
  setHandler(decideBare, (verdict) => (status = verdict));
  setHandler(completeBare, (result) => (status = result));
  await condition(() => status === 'completed');
  return status;
}

/** The same for a job that ends with the decision. */
export async function bareDecision(): Promise<string> {
  let verdict: string | null = null;
  setHandler(decideBare, (given) => (verdict = given));
  await condition(() => verdict !== null);
  return verdict ?? '';
}
