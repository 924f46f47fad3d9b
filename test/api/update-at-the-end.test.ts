import { Connection, ScheduleClient, WorkflowClient, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { defineUpdate } from '@temporalio/workflow';
import { v7 } from 'uuid';
import { Gone, temporalGateway } from '../../api/temporal';
import { loadConfig } from '../../config';
import { Unavailable } from '../../domain/errors';
import { temporal } from '../stack';

let connection: Connection;
beforeAll(async () => {
  connection = await Connection.connect({ address: temporal().address });
});
afterAll(() => connection.close());

const ask = defineUpdate<string>('ask');

/** An Update to a workflow that is not there, which the server answers with that failure so often at first. */
async function asked(type: string, times: number): Promise<{ answer: unknown; calls: number }> {
  let calls = 0;
  const workflow = new WorkflowClient({
    connection,
    interceptors: [
      {
        startUpdate(input, next) {
          calls += 1;
          if (calls > times) return next(input);
          throw new WorkflowUpdateFailedError('Workflow Update failed', ApplicationFailure.nonRetryable('so', type));
        },
      },
    ],
  });
  const gateway = temporalGateway(
    connection,
    { workflow, schedule: new ScheduleClient({ connection }) },
    loadConfig({}),
    'default',
  );
  const ref = { kind: 'approvalGate' as const, tenantId: v7(), id: v7() };
  const answer = await gateway.update(ref, ask, v7()).catch((e: unknown) => e);
  return { answer, calls };
}

test('one that the workflow ended beside is asked again: then the engine says that it is over', async () => {
  const { answer, calls } = await asked('UnprocessedUpdate', 2);
  expect([answer, calls]).toEqual([expect.any(Gone), 3]);
});

test('one that no worker looks at, however often, is to be repeated', async () => {
  const { answer, calls } = await asked('UnprocessedUpdate', Infinity);
  expect([answer, calls]).toEqual([expect.any(Unavailable), 3]);
});

test('one that was begun when its workflow was terminated is looked for in the row', async () => {
  const { answer, calls } = await asked('AcceptedUpdateCompletedWorkflow', Infinity);
  expect([answer, calls]).toEqual([expect.any(Gone), 1]);
});

test('any other failure is what it is', async () => {
  const { answer } = await asked('Unheard', Infinity);
  expect(answer).toBeInstanceOf(WorkflowUpdateFailedError);
});
