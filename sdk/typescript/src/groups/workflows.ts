import { workflows } from '../generated/open.js';
import { Listing } from '../listing.js';
import type { CallOptions } from '../wire.js';
import { Group, type Answer, type Body, type Filter } from './group.js';
import { numbered } from './numbered.js';

export type Workflow = Answer<'GET', '/v1/workflows/{workflow_id}'>;
export type NewWorkflow = Body<'POST', '/v1/workflows'>;
export type WorkflowExecution = Answer<'GET', '/v1/workflows/{workflow_id}/executions/{execution_id}'>;

/** Steps in order, each a task. */
export class Workflows extends Group {
  protected override readonly open = workflows;

  /** Newest first. */
  list(filter: Filter<'/v1/workflows'> = {}, options?: CallOptions): Listing<Workflow> {
    return new Listing(
      numbered((page) => this.whole('GET', '/v1/workflows', { query: { ...filter, page } }, options), filter.page),
    );
  }
  get(id: string, options?: CallOptions): Promise<Workflow> {
    return this.call('GET', '/v1/workflows/{workflow_id}', { path: { workflow_id: id } }, options);
  }
  create(workflow: NewWorkflow, options?: CallOptions): Promise<Answer<'POST', '/v1/workflows'>> {
    return this.call('POST', '/v1/workflows', { body: workflow }, options);
  }
  /** It goes on by itself; `execution` tells how far it is. */
  execute(
    id: string,
    execution: Body<'POST', '/v1/workflows/{workflow_id}/execute'> = {},
    options?: CallOptions,
  ): Promise<Answer<'POST', '/v1/workflows/{workflow_id}/execute'>> {
    return this.call(
      'POST',
      '/v1/workflows/{workflow_id}/execute',
      { path: { workflow_id: id }, body: execution },
      options,
    );
  }
  execution(id: string, executionId: string, options?: CallOptions): Promise<WorkflowExecution> {
    const path = { workflow_id: id, execution_id: executionId };
    return this.call('GET', '/v1/workflows/{workflow_id}/executions/{execution_id}', { path }, options);
  }
}
