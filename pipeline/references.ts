import { lendableAs, type Lendable } from '../db/leases';
import { Conflict, DomainError, Forbidden } from '../domain/errors';
import type { LeaseScope } from '../domain/harness';
import { mapText } from '../domain/storable';
import type { Store } from '../log/store';
import type { Call, Reason, Tool } from './call';
import { noteUse, secretOf, untilItsEnd } from './credential';
import { hiding, type Hide } from './hiding';
import { matchesGlob } from './tools/vault';

/** `credential_ref` of a lease, wherever it stands in an argument. */
const form = /<vault:[^<>]{1,1000}>/g;

export function referencesIn(args: unknown): string[] {
  const found = new Set<string>();
  mapText(args, (text) => {
    for (const [ref] of text.matchAll(form)) found.add(ref);
    return text;
  });
  return [...found];
}

/** In values alone: what things are called is no secret. */
function replaced(value: unknown, by: ReadonlyMap<string, string>): unknown {
  if (typeof value === 'string') return value.replace(form, (ref) => by.get(ref) ?? ref);
  if (Array.isArray(value)) return value.map((v) => replaced(v, by));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, replaced(v, by)]));
}

const scopeOf = (l: Lendable): LeaseScope => ({
  system: l.system, resourceType: l.resource_type, resourceId: l.resource_id, action: l.action,
}); // prettier-ignore

/** Whether all that the lease is good for is what the tool may be given. */
const isFor = (l: Lendable, lends: readonly LeaseScope[]): boolean =>
  lends.some(
    (s) =>
      matchesGlob(s.system, l.system) && matchesGlob(s.resourceType, l.resource_type) &&
      matchesGlob(s.resourceId, l.resource_id) && matchesGlob(s.action, l.action),
  ); // prettier-ignore

/** Words and stack as they may be read, causes too: what is thrown here goes into histories and logs. */
function withoutSecrets(thrown: unknown, hide: Hide): unknown {
  if (!(thrown instanceof Error)) return typeof thrown === 'string' ? hide(thrown) : thrown;
  const options = thrown.cause === undefined ? undefined : { cause: withoutSecrets(thrown.cause, hide) };
  const clean =
    thrown instanceof DomainError
      ? new (thrown.constructor as typeof DomainError)(hide(thrown.message), mapText(thrown.details, hide) as DomainError['details']) // prettier-ignore
      : new Error(hide(thrown.message), options);
  if (!(thrown instanceof DomainError)) clean.name = thrown.name;
  if (thrown.stack !== undefined) clean.stack = hide(thrown.stack);
  return clean;
}

export interface Dispatch {
  args: unknown;
  /** Aborted when one of the leases ends by the database's clock. */
  signal: AbortSignal;
  /** Puts the references back, in what is to be cut before it comes back. */
  hide: Hide;
}

/**
 * Calls a tool with what the references in its arguments stand for: each an active lease of the calling run, for something
 * that the tool may be given. The uses are in the log before anybody has a secret; what comes back has the references again,
 * also where the tool says what it was given. A tool that takes none gets its arguments as they are.
 * @throws Forbidden for a reference that stands for nothing, or not for this tool; Conflict when a lease ended meanwhile
 */
export async function withReferences(
  { store, masterKey }: { store: Store; masterKey: Buffer },
  asked: { tool: Tool; call: Call; args: unknown; signal: AbortSignal },
  work: (dispatch: Dispatch) => Promise<unknown>,
): Promise<{ result: unknown; reasons: Reason[] }> {
  const { tool, call, args, signal } = asked;
  const refs = tool.lends ? referencesIn(args) : [];
  if (refs.length === 0) return { result: await work({ args, signal, hide: (text) => text }), reasons: [] };

  const leases = await store.write(call.tenantId, async (tx) => {
    const found = await lendableAs(tx, call.owner.id, refs);
    return refs.map((ref) => {
      const lease = found.find((l) => l.credential_ref === ref);
      if (!lease) throw new Forbidden(`no active lease of this run stands for ${ref}`);
      if (!isFor(lease, tool.lends ?? [])) throw new Forbidden(`${tool.name} is not to be given ${ref}`);
      noteUse(tx, call, lease, scopeOf(lease));
      return lease;
    });
  });
  const secrets = new Map(leases.map((l) => [l.credential_ref, secretOf(masterKey, l)]));
  const seen = new Set<string>();
  const hide = hiding(secrets, (ref) => seen.add(ref));
  const ends = AbortSignal.any(leases.map(untilItsEnd));
  try {
    const result = await work({ args: replaced(args, secrets), signal: AbortSignal.any([signal, ends]), hide });
    return {
      result: mapText(result, hide),
      reasons: [...seen].map((ref) => ({ code: 'secret_removed', message: ref })),
    };
  } catch (e) {
    signal.throwIfAborted();
    if (ends.aborted) throw new Conflict(`a lease ended while ${tool.name} was called: what the call did is not known`);
    throw withoutSecrets(e, hide);
  }
}
