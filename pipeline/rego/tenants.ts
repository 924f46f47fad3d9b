import { moduleOf, type ActivePolicy } from '../../db/rego-policies';
import { digestOf } from '../../log/canonical';
import type { Store } from '../../log/store';
import type { PolicyResult } from '../policy';
import type { Evaluator, Loaded } from './evaluator';
import { opinionOf, type Opinion } from './forms';

/** The policies that tenants brought, beside the built-in ones. */
export interface TenantPolicies {
  /** What each says of a call, in their order; what fails denies. @throws what the database throws */
  opinions(tenantId: string, active: readonly ActivePolicy[], input: string): Promise<Opinion[]>;
}

/** Compiled modules that a process keeps, of all tenants. */
const mostKept = 200;

/**
 * What is enforced is read with the other facts of every call (db/executions.ts), so the call after an activation sees it, in
 * every process. What is kept here is what never changes: the module of a version.
 */
export function tenantPolicies(store: Store, evaluator: Evaluator): TenantPolicies {
  const kept = new Map<string, Promise<WebAssembly.Module>>();

  const load = async (tenantId: string, id: string): Promise<WebAssembly.Module> => {
    const wasm = await store.read(tenantId, (tx) => moduleOf(tx, id));
    if (wasm === null) throw new Error(`the module of policy version ${id} is gone`);
    return WebAssembly.compile(new Uint8Array(wasm));
  };
  const moduleFor = (tenantId: string, id: string): Promise<WebAssembly.Module> => {
    const key = `${tenantId} ${id}`;
    const module = kept.get(key) ?? load(tenantId, id);
    kept.delete(key);
    kept.set(key, module);
    const [oldest] = kept.keys();
    if (kept.size > mostKept && oldest !== undefined) kept.delete(oldest);
    module.catch(() => kept.get(key) === module && kept.delete(key)); // whoever waits for it is told
    return module;
  };

  return {
    async opinions(tenantId, active, input) {
      const loaded = await Promise.all(
        active.map(async ({ id, entrypoints }): Promise<Loaded> => ({
          key: id,
          module: await moduleFor(tenantId, id),
          entrypoints,
        })),
      );
      const answers = await evaluator.ask(tenantId, loaded, [input]);
      return active.map(({ name, version, entrypoints }, i) =>
        opinionOf(`${name}@${version}`, entrypoints, answers[i] ?? { error: 'no answer' }),
      );
    },
  };
}

/** Of all that decides in a tenant: an approval that was given under another is void. */
export const versionOf = (builtin: string, active: readonly ActivePolicy[]): string =>
  active.length === 0
    ? builtin
    : digestOf([builtin, ...active.map(({ name, version, digest }) => [name, version, digest])]);

const strictness = { allow: 0, escalate: 1, deny: 2 };

/** The strictest, the built-in first among equals: nobody's own policy allows what that does not. */
export function strictest(builtin: PolicyResult, own: readonly Opinion[], version: string): PolicyResult {
  const opinions: readonly Omit<Opinion, 'adjustment'>[] = [builtin, ...own];
  const { decision, reasons, policyId } = opinions.reduce((a, b) =>
    strictness[b.decision] > strictness[a.decision] ? b : a,
  );
  // The one that makes it riskiest: a policy that lowers the risk takes nothing from one that raises it.
  const adjustment = own.length ? Math.max(...own.map((o) => o.adjustment)) : 0;
  return { decision, reasons, policyId, version, adjustment };
}
