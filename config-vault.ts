import { z } from 'zod';

const address = /^https?:\/\/[^\s/,]+(:\d+)?\/?$/;
const path = z.string().regex(/^[A-Za-z0-9_./{}-]{1,400}$/, 'a path below /v1').refine((p) => !p.split('/').some((s) => s === '' || s === '.' || s === '..'), 'no empty part and no dots'); // prettier-ignore
const name = z.string().min(1).max(200);

/** What a lease of a scope is read from; `{resource_id}` in the path stands for the lease's. */
const Secret = z.strictObject({
  system: name,
  resource_type: name.default('*'),
  resource_id: name.default('*'),
  action: name.default('*'),
  path,
  policies: z.array(name).min(1),
  field: name.optional(),
});

/** HashiCorp Vault or OpenBao as docs/credentials.md says; names are those of their own command where it has them. */
export const vaultEnvironment = {
  /** One, or several nodes of one cluster after another with commas. */
  VAULT_ADDR: z
    .string()
    .transform((text) => text.split(',').map((a) => a.trim().replace(/\/$/, '')))
    .refine((all) => all.every((a) => address.test(a)), 'http or https addresses without a path, with commas between')
    .optional(),
  VAULT_TOKEN: z.string().min(1).optional(),
  VAULT_ROLE_ID: z.string().min(1).optional(),
  VAULT_SECRET_ID: z.string().min(1).optional(),
  VAULT_APPROLE_MOUNT: z
    .string()
    .regex(/^[\w./-]+$/)
    .default('approle'),
  VAULT_NAMESPACE: z.string().min(1).optional(),
  VAULT_CACERT: z.string().min(1).optional(),
  VAULT_TIMEOUT_MS: z.coerce.number().int().positive().max(5_000).default(2_500),
  /** The token role that a lease's tokens are made under; unset: orphans, which needs more rights. */
  VAULT_TOKEN_ROLE: z
    .string()
    .regex(/^[\w.-]+$/)
    .optional(),
  /** A KV version 2 mount, and where in it we keep what we know of leases. */
  VAULT_RECORDS: z
    .string()
    .regex(/^[\w-]+(\/[\w.-]+)+$/, 'mount/path')
    .default('secret/wheelhouse/leases'),
  /** JSON: what is read for which scope, the first that fits. */
  VAULT_SECRETS: z
    .string()
    .transform((text, ctx) => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        ctx.addIssue('must be JSON');
        return z.NEVER;
      }
    })
    .pipe(z.array(Secret).min(1))
    .optional(),
  /** The slug of the only tenant whose leases it keeps; unset: those of all. */
  VAULT_TENANT: z.string().min(1).optional(),
};

export interface VaultSecret {
  system: string;
  resourceType: string;
  resourceId: string;
  action: string;
  path: string;
  policies: string[];
  field: string | null;
}
export interface VaultSettings {
  addresses: string[];
  auth: { token: string } | { roleId: string; secretId: string; mount: string };
  namespace: string | null;
  caFile: string | null;
  timeoutMs: number;
  tokenRole: string | null;
  records: string;
  secrets: VaultSecret[];
  tenant: string | null;
}

/** Null without VAULT_ADDR. @throws Error when who we are there, or what is read there, is not said */
export function vaultOf(e: z.output<z.ZodObject<typeof vaultEnvironment>>): VaultSettings | null {
  if (e.VAULT_ADDR === undefined) return null;
  if ((e.VAULT_ROLE_ID === undefined) !== (e.VAULT_SECRET_ID === undefined))
    throw new Error('VAULT_ROLE_ID, VAULT_SECRET_ID: one without the other');
  if ((e.VAULT_TOKEN === undefined) === (e.VAULT_ROLE_ID === undefined))
    throw new Error('VAULT_TOKEN, or VAULT_ROLE_ID and VAULT_SECRET_ID: one of them');
  if (e.VAULT_SECRETS === undefined) throw new Error('VAULT_SECRETS: say what is read for which scope');
  return {
    addresses: e.VAULT_ADDR,
    auth:
      e.VAULT_ROLE_ID !== undefined && e.VAULT_SECRET_ID !== undefined
        ? { roleId: e.VAULT_ROLE_ID, secretId: e.VAULT_SECRET_ID, mount: e.VAULT_APPROLE_MOUNT }
        : { token: e.VAULT_TOKEN ?? '' },
    namespace: e.VAULT_NAMESPACE ?? null,
    caFile: e.VAULT_CACERT ?? null,
    timeoutMs: e.VAULT_TIMEOUT_MS,
    tokenRole: e.VAULT_TOKEN_ROLE ?? null,
    records: e.VAULT_RECORDS,
    secrets: e.VAULT_SECRETS.map((s) => ({
      system: s.system, resourceType: s.resource_type, resourceId: s.resource_id, action: s.action, path: s.path,
      policies: s.policies, field: s.field ?? null,
    })), // prettier-ignore
    tenant: e.VAULT_TENANT ?? null,
  };
}
