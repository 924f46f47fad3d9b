import { fence } from '../../db/run-queries';
import type { Gate } from '../../domain/gate';
import { stop } from '../../workflows/agent-run';
import type { Stop } from '../../workflows/run-input';
import { until } from '../until';
import { keep } from './keep';
import { ann, bob, type play } from './play';
import type { Clockwork } from './time';

/** What the tests of runs share: the world, there from `beforeAll` on. */
export interface Asking {
  world: { c: Clockwork; p: ReturnType<typeof play> };
  /** A run of the script that has come as far as asking people. */
  proposed: (prompt?: string | null) => Promise<{ ticket: { id: string }; run: Spawned; gate: Gate }>;
}
type Spawned = Awaited<ReturnType<ReturnType<typeof play>['spawn']>>;

/** How runs end before they are done. */
export function ends({ world, proposed }: Asking): void {
  let c: Clockwork;
  let p: ReturnType<typeof play>;
  beforeAll(() => void ({ c, p } = world));

  test('stop: behind the fence no further step is carried out, a second stop is refused, the gate is withdrawn', async () => {
    const run = await p.spawn(await p.ticket(), 'scripted', 'hold');
    await until('a few steps', async () => (await p.steps(run.id)).length > 3);
    await c.store.write(c.tenantId, (tx) => fence(tx, run.id, 'enough'));
    const stopped = await run.handle.executeUpdate(stop, { args: [{ by: bob, reason: 'enough', terminate: false }] });
    expect(stopped).toMatchObject({ status: 'stopped', error: 'enough' });
    const steps = await p.steps(run.id);
    expect(await run.handle.result()).toMatchObject({ status: 'stopped' });
    expect(await p.steps(run.id)).toEqual(steps);
    await p.agree(run);

    const waiting = await proposed();
    const args: [Stop] = [{ by: ann, reason: 'not needed', terminate: true }];
    const both = await Promise.allSettled([
      waiting.run.handle.executeUpdate(stop, { args }),
      waiting.run.handle.executeUpdate(stop, { args }),
    ]);
    expect(both.filter((r) => r.status === 'fulfilled')).toHaveLength(1);
    await waiting.run.handle.result();
    await keep('agentRun.stopped', waiting.run.handle);
    await until('the gate has expired', async () => (await p.row.gate(waiting.gate.id))?.status === 'expired');
    expect((await p.row.gate(waiting.gate.id))?.decisionReason).toMatch(/^agent \d+ terminated$/);
    await p.agree(waiting.run, { gate: waiting.gate.id });
  });

  test('a fence whose setter died ends the run all the same', async () => {
    const run = await p.spawn(await p.ticket(), 'scripted', 'hold');
    await until('a few steps', async () => (await p.steps(run.id)).length > 3);
    await c.store.write(c.tenantId, (tx) => fence(tx, run.id, 'enough'));
    expect(await p.inTime(run.handle)).toMatchObject({ status: 'stopped', error: 'enough' });
    await p.agree(run);
    await keep('agentRun.fenced', run.handle);
  });

  test('a gate that is cancelled in Temporal tells the run that waits for it, before it is gone', async () => {
    const { run, gate } = await proposed();
    const cancelled = p.handle('approvalGate', gate.id);
    await cancelled.cancel();
    expect(await run.handle.result()).toMatchObject({ status: 'finished', result: expect.stringContaining('expired') });
    const events = (await cancelled.fetchHistory()).events ?? [];
    const sent = events.filter((e) => e.signalExternalWorkflowExecutionInitiatedEventAttributes).length;
    // A server drops what a workflow that has ended was about to send.
    expect(events.filter((e) => e.externalWorkflowExecutionSignaledEventAttributes)).toHaveLength(sent);
    expect(sent).toBe(2);
    await keep('approvalGate.cancelled', cancelled);
  });

  test('a cancellation in Temporal stops the run; its gate, which it does not reach, is withdrawn', async () => {
    const { run, gate } = await proposed();
    await run.handle.cancel();
    expect(await run.handle.result()).toMatchObject({ status: 'stopped', error: 'cancelled in Temporal' });
    await until('the gate has expired', async () => (await p.row.gate(gate.id))?.status === 'expired');
    await p.agree(run, { gate: gate.id });
    await keep('agentRun.cancelled', run.handle);
  });
}
