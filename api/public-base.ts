import type { IncomingHttpHeaders } from 'node:http';
import type { Kernel } from './kernel';

/** What a caller knows this server by: PUBLIC_URL, else as it was asked. */
export function baseOf({ config }: Kernel, { host }: IncomingHttpHeaders): string {
  if (config.publicUrl !== null) return config.publicUrl.replace(/\/+$/, '');
  return `http://${/^[A-Za-z0-9.:[\]-]{1,255}$/.test(host ?? '') ? host : `${config.host}:${config.port}`}`;
}
