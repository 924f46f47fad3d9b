import type { Config } from '../config';

interface Service {
  close: () => Promise<void>;
  /** Rejects when it can't go on. */
  failed?: Promise<never>;
}

/** Runs one of the services until it is asked to stop, or until whoever started it is gone. */
export async function serve(start: (config: Config) => Promise<Service>, config: Config): Promise<void> {
  const asked = new Promise<void>((resolve) => {
    for (const event of ['SIGINT', 'SIGTERM', 'disconnect']) process.once(event, () => resolve());
  });
  const service = await start(config);
  process.send?.('ready');
  try {
    await Promise.race([asked, ...(service.failed ? [service.failed] : [])]);
  } finally {
    await service.close();
  }
}
