import { AsyncLocalStorage } from 'node:async_hooks';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { PerformanceObserver } from 'node:perf_hooks';
import vm from 'node:vm';
import { TestEnvironment } from 'jest-environment-node';

const root = join(__dirname, '..');
type Method = (this: object, ...given: unknown[]) => unknown;

/** What a file has asked Node itself to call, and did not end: Node would call it, and keep the file's modules, to the end. */
const kept = new Set<AsyncLocalStorage<unknown> | PerformanceObserver>();
/** What a module asks for while it is loaded is all files'. */
let loading = false;

function keep(prototype: object, name: string): void {
  const { value } = Object.getOwnPropertyDescriptor(prototype, name) as { value: Method };
  const noted: Method = function (...given) {
    if (!loading) kept.add(this as AsyncLocalStorage<unknown>);
    return value.apply(this, given);
  };
  Object.defineProperty(prototype, name, { value: noted });
}
for (const name of ['run', 'enterWith']) keep(AsyncLocalStorage.prototype, name);
keep(PerformanceObserver.prototype, 'observe');

/** Jest's own parts are made anew for each file; other packages are loaded once a process, by Node. */
const shared = (filename: string): boolean => /\/node_modules\/(?!@?jest|expect\/|pretty-format\/)/.test(filename);
const load = createRequire(__filename);

/**
 * What scripts/build.mjs made of a source of ours, which global-setup.ts runs; null for the tests' own files. Loaded once a
 * process as well: ours keep nothing to themselves that a second API in the same process would not find as well.
 */
function compiled(filename: string): string | null {
  const path = relative(root, filename);
  if (path.startsWith('test') || !path.endsWith('.ts')) return null;
  const made = join(root, 'dist', path.replace(/\.ts$/, '.js'));
  return existsSync(made) ? made : null;
}

function loadOnce(path: string): unknown {
  const outer = loading;
  loading = true;
  try {
    return load(path);
  } finally {
    loading = outer;
  }
}

/** A module, in the realm of the process: a script that V8 knows again is compiled once for all files. */
function compileFunction(source: string, names: readonly string[], { filename }: { filename: string }): unknown {
  const once = shared(filename) ? filename : compiled(filename);
  if (once !== null) return (module: { exports: unknown }) => void (module.exports = loadOnce(once));
  const head = `(function (${names.join(', ')}) {`;
  return new vm.Script(`${head}${source}\n})`, { filename, columnOffset: -head.length }).runInThisContext();
}
Object.assign(vm, { compileFunction });

type Given = ConstructorParameters<typeof TestEnvironment>;
type Timers = NonNullable<InstanceType<typeof TestEnvironment>['fakeTimersModern']>;
type Faking = new (of: { config: Given[0]['projectConfig']; global: typeof globalThis }) => Timers;

/**
 * One realm for all files of a process, which is the process' own. A realm for each, as jest makes it, loads every package
 * again, 2.5 seconds of a core for what starts API and worker; and there an error of Node's is no `Error`. What jest needs of
 * a realm is made beside it; what a file puts into it is taken out again.
 */
export default class OneRealm extends TestEnvironment {
  private readonly before = new Map(
    Reflect.ownKeys(globalThis).map((key) => [key, Object.getOwnPropertyDescriptor(globalThis, key)]),
  );
  private readonly exit = Object.getOwnPropertyDescriptor(process, 'exit');

  constructor(...given: Given) {
    const { createContext, runInContext } = vm;
    const beside = Object.create(globalThis) as typeof globalThis;
    Object.assign(vm, { createContext: () => beside, runInContext: () => beside });
    try {
      super(...given);
    } finally {
      Object.assign(vm, { createContext, runInContext });
    }
    for (const key of Object.getOwnPropertySymbols(beside))
      if (!Object.hasOwn(globalThis, key)) Object.defineProperty(globalThis, key, { value: Reflect.get(beside, key) });
    this.global = globalThis as unknown as this['global'];
    const { constructor: Fake } = this.fakeTimersModern as object as { constructor: Faking };
    this.fakeTimersModern = new Fake({ config: given[0].projectConfig, global: globalThis });
  }

  override async teardown(): Promise<void> {
    await super.teardown();
    for (const one of kept) {
      if (one instanceof AsyncLocalStorage) one.disable();
      else one.disconnect();
    }
    kept.clear();
    if (this.exit) Object.defineProperty(process, 'exit', this.exit);
    for (const key of Reflect.ownKeys(globalThis)) if (!this.before.has(key)) Reflect.deleteProperty(globalThis, key);
    for (const [key, descriptor] of this.before)
      if (descriptor?.configurable) Object.defineProperty(globalThis, key, descriptor);
  }
}
