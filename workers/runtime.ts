import { IllegalStateError } from '@temporalio/common';
import { Runtime, type Logger as SdkLogger, type LogMetadata, type LogLevel } from '@temporalio/worker';
import type { Logger } from 'pino';

/**
 * What the Temporal SDK says goes where everything else is said, without what a person may have written into it. One
 * runtime a process: the first logger stays. Call it before anything connects.
 */
export function installRuntime(logger: Logger): void {
  try {
    Runtime.install({
      logger: forward(logger),
      telemetryOptions: { logging: { filter: { core: 'WARN', other: 'ERROR' }, forward: {} } },
      // Whoever runs the worker asks it to end.
      shutdownSignals: [],
    });
  } catch (e) {
    if (!(e instanceof IllegalStateError)) throw e;
  }
}

const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'debug', WARN: 'warn', ERROR: 'error' } as const;

/** The SDK's own news (a worker changed its state) is for whoever debugs. */
function forward(logger: Logger): SdkLogger {
  const log = (level: LogLevel, message: string, meta?: LogMetadata): void => {
    const { error, ...rest } = (meta ?? {}) as { error?: unknown };
    logger[levels[level]]({ ...rest, ...(error !== undefined && { err: error }) }, message);
  };
  return {
    log,
    trace: (message, meta) => log('TRACE', message, meta),
    debug: (message, meta) => log('DEBUG', message, meta),
    info: (message, meta) => log('INFO', message, meta),
    warn: (message, meta) => log('WARN', message, meta),
    error: (message, meta) => log('ERROR', message, meta),
  };
}
