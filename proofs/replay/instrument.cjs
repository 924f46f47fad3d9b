// Counts, in the bundled workflows, how often each branch is taken: a loader, so that places are those of the source.
const { createInstrumenter } = require('istanbul-lib-instrument');

module.exports = function instrument(source) {
  const instrumenter = createInstrumenter({
    esModules: true,
    compact: false,
    parserPlugins: ['typescript'],
    coverageGlobalScope: 'globalThis',
    coverageGlobalScopeFunc: false,
    coverageVariable: '__coverage__',
  });
  return instrumenter.instrumentSync(source, this.resourcePath);
};
