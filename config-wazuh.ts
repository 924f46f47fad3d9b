import { z } from 'zod';

const url = z.url({ protocol: /^https?$/ }).transform((v) => v.replace(/\/+$/, ''));

/** Wazuh as docs/wazuh.md says. */
export const wazuhEnvironment = {
  /** The manager's API, as `https://wazuh.example:55000`. */
  WAZUH_API_URL: url.optional(),
  /** Who we are there; unset: what is leased says it. */
  WAZUH_API_USER: z.string().min(1).optional(),
  WAZUH_API_PASSWORD: z.string().min(1).optional(),
  /** The indexer, as `https://wazuh.example:9200`. */
  WAZUH_INDEXER_URL: url.optional(),
  WAZUH_INDEXER_USER: z.string().min(1).optional(),
  WAZUH_INDEXER_PASSWORD: z.string().min(1).optional(),
  /** The indices that alerts are looked for in. */
  WAZUH_INDEXER_INDEX: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._*-]{0,199}$/, 'a name of indices in small letters, * for any')
    .default('wazuh-alerts-*'),
  /** PEM of the authorities of both; unset: those that the machine trusts. */
  WAZUH_CA_FILE: z.string().min(1).optional(),
  WAZUH_TIMEOUT_MS: z.coerce.number().int().positive().max(30_000).default(5_000),
  /** The slug of the tenant whose Wazuh it is. */
  WAZUH_TENANT: z.string().min(1).default('local'),
};

/** Where one of its parts is, and who we are there; null: the lease's secret says who. */
export interface WazuhPart {
  url: string;
  login: { user: string; password: string } | null;
}
export interface WazuhSettings {
  tenant: string;
  manager: WazuhPart | null;
  indexer: (WazuhPart & { index: string }) | null;
  caFile: string | null;
  timeoutMs: number;
}

function partOf(name: string, at?: string, user?: string, password?: string): WazuhPart | null {
  if ((user === undefined) !== (password === undefined)) throw new Error(`${name}_USER, ${name}_PASSWORD: one without the other`); // prettier-ignore
  if (at === undefined) {
    if (user !== undefined) throw new Error(`${name}_USER: there is no ${name}_URL`);
    return null;
  }
  return { url: at, login: user !== undefined && password !== undefined ? { user, password } : null };
}

/** Null when neither is named. @throws Error when half of a pair is missing */
export function wazuhOf(e: z.output<z.ZodObject<typeof wazuhEnvironment>>): WazuhSettings | null {
  const manager = partOf('WAZUH_API', e.WAZUH_API_URL, e.WAZUH_API_USER, e.WAZUH_API_PASSWORD);
  const indexer = partOf('WAZUH_INDEXER', e.WAZUH_INDEXER_URL, e.WAZUH_INDEXER_USER, e.WAZUH_INDEXER_PASSWORD);
  if (!manager && !indexer) return null;
  return {
    tenant: e.WAZUH_TENANT,
    manager,
    indexer: indexer && { ...indexer, index: e.WAZUH_INDEXER_INDEX },
    caFile: e.WAZUH_CA_FILE ?? null,
    timeoutMs: e.WAZUH_TIMEOUT_MS,
  };
}
