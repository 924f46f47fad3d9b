import vm from 'node:vm';
import { TestEnvironment } from 'jest-environment-node';

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
}
