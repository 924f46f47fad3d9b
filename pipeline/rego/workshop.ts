import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Unavailable } from '../../domain/errors';
import { findOpa } from '../opa';
import { compile, Refused, type Compiled } from './compile';
import { createEvaluator, type Evaluator, type Loaded } from './evaluator';
import { opinionOf } from './forms';
import { regoInput } from './input';
import { createPlaces } from './places';

/** Where policies that nobody enforces are made and tried: with a thread of its own, so that none that is enforced waits. */
export interface Workshop {
  /**
   * @param owner the tenant, of which one is made at a time, so that others find a place
   * @throws Refused with opa's words; Unavailable where there is no opa; RateLimited where enough of the owner's wait
   */
  make(owner: string, rego: string, tests: string | null): Promise<Compiled & { loaded: Loaded }>;
  evaluator: Evaluator;
  /** For what looks at many recorded calls: one of an owner's at a time. @throws RateLimited where enough of the owner's wait */
  trying<T>(owner: string, work: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Compilations at a time, each of which takes a processor, and as much memory as compile.ts lets it; and trials. */
const atOnce = 2;
/** Of one tenant. */
const mostWaiting = 8;
/** A search for opa that takes longer is building it: that goes on, and a later request finds it. */
const searchMs = 3_000;

/** A call like any other: what a policy has no answer for, it would deny all the time. */
const ordinary = regoInput(
  {
    tenant: '00000000-0000-7000-8000-000000000000',
    principal: { id: '00000000-0000-7000-8000-000000000001', kind: 'agent', scopes: [] },
    agent: { id: '00000000-0000-7000-8000-000000000001', grants: [{ tool: 'logs.search', effect: 'ALLOW' }] },
    tool: { name: 'logs.search', effect: 'read', scope: 'tickets:read' },
    args: { query: 'error' }, target: 'logs', run: null, approval: null, risk: 0,
  },
  { name: 'agent', status: 'ACTIVE' },
  'none',
); // prettier-ignore

export function createWorkshop(root: string, onError: (error: Error) => void): Workshop {
  const evaluator = createEvaluator(join(root, 'dist/pipeline/rego/thread.js'), onError, 0);
  let search: Promise<string> | null = null;
  const compiling = createPlaces(atOnce, mostWaiting);

  const opa = async (): Promise<string> => {
    const found = (search ??= findOpa(root));
    const late = delay(searchMs, null, { ref: false });
    try {
      const bin = await Promise.race([found, late]);
      if (bin !== null) return bin;
    } catch (cause) {
      search = null; // it may be installed by now
      const message = `policies cannot be compiled here: ${(cause as Error).message}; what is enforced stays so`;
      throw Object.assign(new Unavailable(message), { cause });
    }
    throw new Unavailable(
      'opa is being built, which takes some minutes: repeat the request; what is enforced stays so',
    );
  };
  return {
    evaluator,
    trying: createPlaces(atOnce, mostWaiting),
    close: () => evaluator.close(),
    async make(owner, rego, tests) {
      const bin = await opa();
      const made = await compiling(owner, () => compile(bin, rego, tests));
      const loaded = {
        key: made.digest,
        module: await WebAssembly.compile(new Uint8Array(made.wasm)),
        entrypoints: made.entrypoints,
      };
      const [answer = { error: 'no answer' }] = await evaluator.ask(owner, [loaded], [ordinary]);
      const [reason] = opinionOf('as it stands', made.entrypoints, answer).reasons;
      if (reason?.code === 'policy_unavailable') {
        throw new Refused([{ code: 'no_answer', message: `for an ordinary call: ${reason.message}`, at: ['rego'] }]);
      }
      return { ...made, loaded };
    },
  };
}
