import pino, { type Logger } from 'pino';

/** JSON lines on stdout; what may be a secret is never one of them. */
export const createLogger = (level: string, service: string): Logger =>
  pino({
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: {
      paths: [
        '*.password',
        '*.token',
        '*.api_key',
        '*.authorization',
        '*.cookie',
        '*.secret',
        '*.proof',
        'headers',
        '*.headers',
        'err.config',
        'err.client',
      ],
      censor: '[removed]',
    },
  });
