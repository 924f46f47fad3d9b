import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import type { ActivityInboundCallsInterceptor } from '@temporalio/worker';
import { isRefusal } from '../domain/errors';

/**
 * A refusal crosses Temporal as a failure of its own type that no retry can change; trouble is retried, and so is a log that
 * somebody holds for too long. A refusal is an answer, so it is benign: the SDK does not warn of it.
 */
export const refusals: ActivityInboundCallsInterceptor = {
  async execute(input, next) {
    try {
      return await next(input);
    } catch (e) {
      if (!isRefusal(e)) throw e;
      throw ApplicationFailure.create({
        message: e.message,
        type: e.code,
        details: [e.details],
        nonRetryable: true,
        category: ApplicationFailureCategory.BENIGN,
      });
    }
  },
};
