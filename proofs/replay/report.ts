import { proxySinks, type Sinks, type WorkflowInterceptorsFactory } from '@temporalio/workflow';

export interface CoverageSinks extends Sinks {
  coverage: { report(counts: string): void };
}

/** Part of the instrumented bundle alone: after each activation, what its workflow's branches counted goes out. */
export const interceptors: WorkflowInterceptorsFactory = () => {
  const { coverage } = proxySinks<CoverageSinks>();
  return {
    inbound: [],
    outbound: [],
    internals: [
      {
        concludeActivation(input, next) {
          coverage.report(JSON.stringify((globalThis as { __coverage__?: unknown }).__coverage__ ?? {}));
          return next(input);
        },
      },
    ],
  };
};
