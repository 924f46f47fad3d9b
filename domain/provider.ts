import type { TicketStatus } from './ticket';

/** Where tickets may be kept besides here; `local` is nowhere else. */
export const providerNames = ['local', 'itop'] as const;
export type ProviderName = (typeof providerNames)[number];

export const syncStatuses = [
  'local_only', 'pending_create', 'create_failed', 'synced', 'close_failed', 'unknown',
] as const; // prettier-ignore
export type SyncStatus = (typeof syncStatuses)[number];

/** How a provider knows a ticket. */
export interface RemoteRef {
  ticketClass: string;
  key: string;
}

/** What is kept of a ticket as its provider had it when it was last looked at: what later changes are told from. */
export interface RemoteFields {
  title: string;
  description: string;
  /** In the provider's word. */
  status: string;
  /** What that word means here; null when nothing. */
  state: TicketStatus | null;
  priority: string | null;
  impact: string | null;
  urgency: string | null;
  assignee: string | null;
  assigneeTeam: string | null;
  requesterName: string | null;
  requesterEmail: string | null;
}

/** One thing that somebody wrote into a log of the ticket. */
export interface RemoteEntry {
  field: 'public_log' | 'private_log';
  author: string;
  text: string;
  /** Of what it says, when and by whom: the same entry has the same. */
  hash: string;
  /** What a note of ours ends with there, as it stands: not proven to be ours, and quoted by whoever answers below it. */
  mark: string | null;
  /** Written by the account that we come with. */
  byUs: boolean;
}

export interface RemoteTicket extends RemoteRef {
  fields: RemoteFields;
  entries: RemoteEntry[];
  url: string;
  /** What a creation of ours left in it, as it stands there: not proven to be ours. */
  mark: string | null;
  /** Of all of the above. */
  digest: string;
}

/** A ticket that is to be made there. */
export interface RemoteDraft {
  ticketClass: string;
  title: string;
  description: string;
  /** 1 to 4. */
  priority: number | null;
  assigneeTeam: string | null;
  requester: { name: string | null; email: string | null };
  affectedUser: { name: string | null; email: string | null };
  /** Is found again by `find`. */
  mark: string;
}

/** What may be changed there from here. */
export const pushFields = ['title', 'priority', 'assignee', 'assigneeTeam'] as const;
export type PushField = (typeof pushFields)[number];
export type RemoteChange = Partial<Record<'title' | 'assignee' | 'assigneeTeam', string> & { priority: number }>;

/** What is to be written into a log of a ticket there. */
export interface RemoteNote {
  author: string;
  text: string;
  /** For the requester to read, where the provider tells that apart. */
  isPublic: boolean;
  /** Its end, which it is known by. */
  mark: string;
}

/** What a note says there, before its mark. */
export const saidIn = ({ author, text }: Pick<RemoteNote, 'author' | 'text'>): string => `${author}:\n${text}`;

/** Who is to have a ticket before it can be closed, as far as it is known here. */
export interface Closing {
  /** Why, in a sentence. */
  solution: string;
  assignee: string | null;
  assigneeTeam: string | null;
}

/**
 * A system where tickets are kept as well. Every call may be repeated, be late or lose its answer.
 * @throws Refused: it was understood, and not done. Anything else thrown: nothing is known of it.
 */
export interface TicketProvider {
  name: ProviderName;
  classes: readonly string[];
  /** Within this time an answer comes, or none is waited for any more. */
  timeoutMs: number;
  /** Whether it knows us. */
  check(signal: AbortSignal): Promise<void>;
  /** Null: there is no such ticket. */
  get(ref: RemoteRef, signal: AbortSignal): Promise<RemoteTicket | null>;
  /** What was made with that mark, oldest first. */
  find(ticketClass: string, mark: string, signal: AbortSignal): Promise<RemoteRef[]>;
  create(draft: RemoteDraft, signal: AbortSignal): Promise<RemoteRef>;
  /** Answers those of the fields whose names the provider does not know: they are as they were. */
  update(ref: RemoteRef, change: RemoteChange, signal: AbortSignal): Promise<PushField[]>;
  /** Adds to a log of the ticket. */
  note(ref: RemoteRef, note: RemoteNote, signal: AbortSignal): Promise<void>;
  /** `unsupported`: people close such tickets there. One that is closed stays as it is. */
  close(ref: RemoteRef, how: Closing, signal: AbortSignal): Promise<'closed' | 'unsupported'>;
  /** One page of the tickets of a class whose key is above that number, by key; pages count from 1. */
  list(ticketClass: string, above: number, page: number, signal: AbortSignal): Promise<RemoteTicket[]>;
  /** How many a full page has. */
  pageSize: number;
}

/** A provider, and whose it is. */
export interface Provided {
  provider: TicketProvider;
  /** The slug of its tenant. */
  tenant: string;
  /** New tickets go there when nobody says otherwise. */
  active: boolean;
}

/** The provider answered, and what was asked was not done; why is told to people. */
export class Refused extends Error {}

/** What ties a ticket to its provider; one a ticket that has one. */
export interface TicketLink {
  ticketId: string;
  tenantId: string;
  provider: ProviderName;
  remoteClass: string | null;
  /** Null until it is known there. */
  remoteKey: string | null;
  /** What is to be told to the provider still. */
  push: 'create' | 'update' | null;
  /** Changed here, and to be changed there unless they were meanwhile. */
  fields: PushField[];
  /** There are notes that the provider is to be told. */
  notes: boolean;
  /** Why it is to be closed there; null: it is not to be. */
  closeReason: string | null;
  /** Of what is to be done, without success. */
  attempts: number;
  /** It was asked for what must not be done twice, what came of that is not known, and until then it may still be at it. */
  creatingUntil: string | null;
  lastError: string | null;
  nextTryAt: string | null;
  syncedAt: string | null;
  pulled: RemoteFields | null;
  pulledDigest: string | null;
}

/** What became of looking after a ticket once. */
export interface SyncOutcome {
  status: SyncStatus;
  /** What was done at the provider. */
  did: ('created' | 'updated' | 'noted' | 'closed' | 'left_open')[];
  error: string | null;
  /** `missing`: the provider has no such ticket. */
  missing: boolean;
  /** When to try again what is left to do; null: nothing is. */
  retryMs: number | null;
  /** Another ticket of ours is the one that was asked for. */
  instead: string | null;
}

/** `discover`: what is new there. `full`: what is known; `everything`: that, and all there is besides. */
export type SyncMode = 'discover' | 'full' | 'everything';

/** What a look at all tickets of a provider came to. */
export interface ProviderSynced {
  synced: number;
  errors: number;
  new: number;
  /** The first trouble there was. */
  error: string | null;
}

export const newLink = (of: Pick<TicketLink, 'ticketId' | 'tenantId' | 'provider'>): TicketLink => ({
  ...of,
  remoteClass: null,
  remoteKey: null,
  push: null,
  fields: [],
  notes: false,
  closeReason: null,
  attempts: 0,
  creatingUntil: null,
  lastError: null,
  nextTryAt: null,
  syncedAt: null,
  pulled: null,
  pulledDigest: null,
});

/** Whether there is something to tell the provider still. */
export const isLeft = ({ push, fields, notes, closeReason }: TicketLink): boolean =>
  push !== null || fields.length > 0 || notes || closeReason !== null;

/** What the ticket shows of its link. */
export function syncStatusOf(link: TicketLink): SyncStatus {
  if (link.remoteKey === null) return link.attempts > 0 ? 'create_failed' : 'pending_create';
  if (link.closeReason !== null && link.attempts > 0) return 'close_failed';
  return link.pulled === null && link.syncedAt === null ? 'unknown' : 'synced';
}

const firstWaitMs = 2_000;
const longestWaitMs = 30 * 60_000;
/** Longer and longer, for ever: what failed is kept. */
export const retryAfterMs = (attempts: number): number =>
  Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(attempts - 1, 20));
