// Packages that ship ES modules only are compiled too; add their names as they come.
module.exports = {
  roots: ['<rootDir>/test'],
  testEnvironment: '<rootDir>/test/environment.ts',
  testSequencer: '<rootDir>/test/sequencer.cjs',
  testMatch: ['**/*.test.ts'],
  globalSetup: '<rootDir>/test/global-setup.ts',
  globalTeardown: '<rootDir>/test/global-teardown.ts',
  transform: {
    '^.+\\.(ts|m?js)$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } },
    ],
  },
  transformIgnorePatterns: [
    '/node_modules/(?!(jose|openid-client|oauth4webapi|oidc-provider|koa|file-type|strtok3|token-types|uint8array-extras|@tokenizer|@borewit|node-pg-migrate|glob|minimatch|uuid|request-filtering-agent)/)',
  ],
  testTimeout: 120000,
  // One more than CI's cores: a test waits for servers about a third of its time.
  maxWorkers: 3,
};
