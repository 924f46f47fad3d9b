import { AsyncLocalStorage } from 'node:async_hooks';
import { PerformanceObserver } from 'node:perf_hooks';
import vm from 'node:vm';
import { TestEnvironment } from 'jest-environment-node';

type Method = (this: object, ...given: unknown[]) => unknown;

/** What a file has asked Node itself to call, and did not end: Node would go on calling it, and keep its realm, for all files after it. */
const kept = new Set<AsyncLocalStorage<unknown> | PerformanceObserver>();

function keep(prototype: object, name: string): void {
  const { value } = Object.getOwnPropertyDescriptor(prototype, name) as { value: Method };
  const noted: Method = function (...given) {
    kept.add(this as AsyncLocalStorage<unknown>);
    return value.apply(this, given);
  };
  Object.defineProperty(prototype, name, { value: noted });
}
for (const name of ['run', 'enterWith']) keep(AsyncLocalStorage.prototype, name);
keep(PerformanceObserver.prototype, 'observe');

interface ForModule {
  filename: string;
  parsingContext: vm.Context;
}

/**
 * A module of a realm. Jest compiles each anew for each file, as a function that V8 never looks up; as a script it knows it again, and
 * what was compiled of it once serves all files of the process.
 */
function compileFunction(source: string, names: readonly string[], { filename, parsingContext }: ForModule): unknown {
  const head = `(function (${names.join(', ')}) {`;
  const script = new vm.Script(`${head}${source}\n})`, { filename, columnOffset: -head.length });
  return script.runInContext(parsingContext);
}
Object.assign(vm, { compileFunction });

/**
 * A realm of its own for each file, as jest makes it; but its global object is an ordinary one. Jest's is a Proxy behind an
 * interceptor, and every look-up of `Array`, `Promise` or `Buffer` goes through both.
 */
export default class OrdinaryRealm extends TestEnvironment {
  constructor(...given: ConstructorParameters<typeof TestEnvironment>) {
    const { createContext } = vm;
    Object.assign(vm, { createContext: () => createContext(vm.constants.DONT_CONTEXTIFY) });
    try {
      super(...given);
    } finally {
      Object.assign(vm, { createContext });
    }
  }

  override async teardown(): Promise<void> {
    await super.teardown();
    for (const one of kept) {
      if (one instanceof AsyncLocalStorage) one.disable();
      else one.disconnect();
    }
    kept.clear();
  }
}
