import { z } from 'zod';

const positive = z.coerce.number().int().positive();
const id = z.string().regex(/^[1-9]\d{0,9}$/, 'the number of an object in iTop');
const provider = z.enum(['local', 'itop']);

/** iTop as docs/providers.md says, and which provider new tickets go to. */
export const itopEnvironment = {
  /** Where iTop is; `/webservices/rest.php` is below it. */
  ITOP_URL: z.url({ protocol: /^https?$/ }).optional(),
  /** Whoever this is needs the profile "REST Services User" there. */
  ITOP_USER: z.string().min(1).optional(),
  ITOP_PASSWORD: z.string().min(1).optional(),
  /** The slug of the tenant whose iTop it is. */
  ITOP_TENANT: z.string().min(1).default('local'),
  /** What links to tickets begin with, where people reach iTop elsewhere than this server does. */
  ITOP_WEB_BASE: z.url({ protocol: /^https?$/ }).optional(),
  /** New tickets are of this organisation and, without a requester that iTop knows, of this person. */
  ITOP_DEFAULT_ORG_ID: id.optional(),
  ITOP_DEFAULT_CALLER_ID: id.optional(),
  /** Who gets a ticket that nobody has when it is to be resolved. */
  ITOP_DEFAULT_TEAM_ID: id.optional(),
  ITOP_DEFAULT_AGENT_ID: id.optional(),
  /** Longer than iTop takes for any call: what was not answered by then is looked for before it is done again. */
  ITOP_TIMEOUT_MS: positive.max(30_000).default(5_000),
  /** iTop may be at a private or loopback address. */
  ITOP_ALLOW_PRIVATE: z.stringbool({ truthy: ['1', 'true'], falsy: ['0', 'false'] }).default(false),
  /** How often new tickets are looked for, and all of them looked at. */
  ITOP_DISCOVERY_SECONDS: positive.default(10),
  ITOP_SYNC_SECONDS: positive.default(60),
  DEFAULT_TICKET_PROVIDER: provider.optional(),
  ACTIVE_TICKET_PROVIDER: provider.optional(),
};

export interface ItopSettings {
  url: string;
  user: string;
  password: string;
  tenant: string;
  webBase: string;
  orgId: string | null;
  callerId: string | null;
  teamId: string | null;
  agentId: string | null;
  timeoutMs: number;
  allowPrivate: boolean;
  discoverySeconds: number;
  syncSeconds: number;
}

/** Null without ITOP_URL. @throws Error when who we are there is not said */
export function itopOf(e: z.output<z.ZodObject<typeof itopEnvironment>>): ItopSettings | null {
  if (e.ITOP_URL === undefined && e.ITOP_USER === undefined && e.ITOP_PASSWORD === undefined) return null;
  if (e.ITOP_URL === undefined || e.ITOP_USER === undefined || e.ITOP_PASSWORD === undefined)
    throw new Error('ITOP_URL, ITOP_USER, ITOP_PASSWORD: all of them, or none');
  return {
    url: e.ITOP_URL,
    user: e.ITOP_USER,
    password: e.ITOP_PASSWORD,
    tenant: e.ITOP_TENANT,
    webBase: (e.ITOP_WEB_BASE ?? e.ITOP_URL).replace(/\/+$/, ''),
    orgId: e.ITOP_DEFAULT_ORG_ID ?? null,
    callerId: e.ITOP_DEFAULT_CALLER_ID ?? null,
    teamId: e.ITOP_DEFAULT_TEAM_ID ?? null,
    agentId: e.ITOP_DEFAULT_AGENT_ID ?? null,
    timeoutMs: e.ITOP_TIMEOUT_MS,
    allowPrivate: e.ITOP_ALLOW_PRIVATE,
    discoverySeconds: e.ITOP_DISCOVERY_SECONDS,
    syncSeconds: e.ITOP_SYNC_SECONDS,
  };
}
