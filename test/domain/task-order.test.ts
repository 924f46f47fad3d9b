import { estimateOf, logView } from '../../api/handlers/orchestration/task-views';
import { isOfSystem, toldOf } from '../../api/handlers/orchestration/told';
import { plannedSteps } from '../../domain/pipeline-definition';
import { system } from '../../domain/principal';
import { newRun, step } from '../../domain/run';
import { backOffMs, nextAttempt, orderRank, resultOf, runtimeFor, type TaskOrder } from '../../domain/task-order';

const at = '2026-01-01T00:00:00.000Z';
const order: TaskOrder = {
  taskId: 't', number: 7, attempt: 1, retries: 2, kind: 'moving', priority: 'high', payload: { n: 1 }, runAt: null, createdAt: at,
}; // prettier-ignore
const run = newRun(
  {
    id: 'r', tenantId: 'x', agentId: 'a', ticketId: 'k', harness: 'remote', model: null, profileId: null, prompt: 'move',
    scopes: ['tickets:read'], triggerKind: 'manual', definitionVersion: null, spawnedBy: system, runtime: runtimeFor(30),
  },
  at,
); // prettier-ignore

test('what fails is tried again, later each time, as often as it may be, with the same task and its own steps', () => {
  const failed = step({ ...run, steps: 9 }, { type: 'fail', error: 'no route' }, at);
  const next = nextAttempt(failed, order, 'r2', system, at);
  expect(next?.order).toEqual({ ...order, attempt: 2, runAt: '2026-01-01T00:00:01.000Z' });
  expect(next?.run).toMatchObject({ id: 'r2', status: 'spawned', steps: 0, error: null, prompt: 'move', version: 1, runtime: { timeout_minutes: 0.5 } }); // prettier-ignore
  expect(nextAttempt(failed, { ...order, attempt: 3 }, 'r4', system, at)).toBeNull();
  expect([1, 2, 3, 40].map(backOffMs)).toEqual([1_000, 2_000, 4_000, 300_000]);
});

test('a task goes by its own priority, and what has none by its ticket’s', () => {
  expect((['critical', 'high', 'medium', 'low'] as const).map((p) => orderRank(p, 'P4', 'ad_hoc'))).toEqual([0, 1, 2, 3]); // prettier-ignore
  expect(orderRank(null, 'P1', 'ticket_resolution')).toBe(0);
});

test('a result is an object, or the words that there were', () => {
  expect([null, '{"rows":3}', '[1]', 'it went well', '{"rows":'].map(resultOf)).toEqual([
    null, { rows: 3 }, { text: '[1]' }, { text: 'it went well' }, { text: '{"rows":' },
  ]); // prettier-ignore
});

test('a task would be done as fast as it went until now, where it has gone anywhere', () => {
  const now = Date.parse('2026-01-01T00:01:00.000Z');
  expect(estimateOf({ status: 'running', startedAt: at, progress: 25 }, now)).toBe('2026-01-01T00:04:00.000Z');
  for (const other of [{ progress: 0 }, { status: 'pending' as const }, { startedAt: null }])
    expect(estimateOf({ status: 'running', startedAt: at, progress: 25, ...other }, now)).toBeNull();
  expect(logView({ at, kind: 'task.claimed', tool: null, decision: 'deny', why: null })).toEqual({ timestamp: at, level: 'warning', message: 'task claimed' }); // prettier-ignore
});

test('a failure that is tried again is no end, and is told to those who listen to its agent alone', () => {
  const entry = (kind: string, body: object) => toldOf({ kind, body: { ...body }, reason: 'no route', subjectId: 's' });
  const again = entry('run.failed', { attempt: 1, next_attempt_at: at });
  expect(again).toMatchObject({ type: 'task_retrying', payload: { status: 'pending', attempt: 1 } });
  expect(again && isOfSystem(again)).toBe(false);
  const failed = entry('run.failed', {});
  expect(failed).toMatchObject({ type: 'task_failed', payload: { status: 'failed', error: 'no route' } });
  expect(failed && isOfSystem(failed)).toBe(true);
  expect(entry('agent.updated', { said: { status: 'paused' } })).toMatchObject({ type: 'agent_status_change', payload: { status: 'inactive' } }); // prettier-ignore
  expect(entry('agent.updated', { was: 'active', status: 'active' })).toBeNull();
  expect(entry('agent.updated', { said: { name: 'x' } })).toBeNull();
  expect(entry('ticket.created', {})).toBeNull();
});

test('steps as people wrote them are tasks of their agents, tried as those are unless they say', () => {
  const [planned] = plannedSteps([{ name: 'One', agent_type: 'mover', order: 3, timeout: 5 }]);
  expect(planned).toMatchObject({ order: 3, agent: null, retries: 0, task: { agentType: 'mover', payload: {}, retries: null, timeoutSeconds: 5 } }); // prettier-ignore
});
