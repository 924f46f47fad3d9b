import { ParentClosePolicy, startChild } from '@temporalio/workflow';
import { accessRequest, type AccessInput } from './access-request';
import { workflowId } from './ids';
import { attributes, workflowTaskTimeout } from './kit';

/** Asks for access. The request lives on without who asked, and tells its run of its moves. */
export const openAccess = (input: AccessInput) =>
  startChild(accessRequest, {
    workflowId: workflowId('accessRequest', input.access.tenantId, input.access.id),
    args: [input],
    workflowTaskTimeout,
    parentClosePolicy: ParentClosePolicy.ABANDON,
    staticSummary: `${input.access.permission} on ${input.access.resource}`,
    typedSearchAttributes: attributes('accessRequest', input.access),
  });
