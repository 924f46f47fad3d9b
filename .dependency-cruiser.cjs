/** What each folder may import besides itself and packages. Types are free: they are gone at run time. */
const mayImport = {
  domain: [],
  workflows: ['domain/'],
  db: ['domain/', 'config\\.ts$'],
  log: ['domain/', 'db/'],
  pipeline: ['domain/', 'db/', 'log/'],
  runner: ['domain/', 'config(-agents)?\\.ts$'],
  activities: ['domain/', 'db/', 'log/', 'pipeline/', 'runner/', 'workflows/ids\\.ts$'],
  'api/contracts': ['domain/', 'api/aggregates/', 'api/operation\\.ts$'],
  'api/aggregates': ['domain/', 'db/', 'api/contracts/shapes\\.ts$'],
  'api/handlers': ['api/(?!http/)', 'domain/', 'db/', 'log/', 'pipeline/', 'runner/', 'workflows/'],
  'api/pages': ['domain/', 'config\\.ts$'],
  'api/http': ['api/', 'domain/', 'db/', 'log/', 'config\\.ts$'],
};

const layers = Object.entries(mayImport).map(([folder, allowed]) => ({
  name: `${folder.replace('/', '-')}-imports`,
  severity: 'error',
  from: { path: `^${folder}/` },
  to: {
    path: '^(?!node_modules/)',
    pathNot: [`^${folder}/`, ...allowed.map((path) => `^${path}`)],
    dependencyTypesNot: ['type-only', 'npm', 'npm-dev', 'npm-optional', 'npm-peer', 'core'],
  },
}));

module.exports = {
  forbidden: [
    ...layers,
    {
      name: 'workers-and-cli-leave-handlers-alone',
      severity: 'error',
      from: { path: '^(workers|cli)/' },
      to: { path: '^api/handlers/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'sandbox-has-no-node',
      severity: 'error',
      from: { path: '^(domain|workflows)/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'workflow-bundle-stays-small',
      comment:
        'zod in the bundle costs a tenth of the speed: schemas live in *.schema.ts, which workflows may not reach',
      severity: 'error',
      from: { path: '^workflows/' },
      to: {
        path: ['\\.schema\\.ts$', 'node_modules/(?!@temporalio/(workflow|common)/)'],
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'domain-stays-bare',
      comment: 'so that no workflow reaches a schema through it either',
      severity: 'error',
      from: { path: '^domain/', pathNot: '\\.schema\\.ts$' },
      to: { path: ['\\.schema\\.ts$', 'node_modules/'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'schemas-import-zod-only',
      severity: 'error',
      from: { path: '^domain/.*\\.schema\\.ts$' },
      to: { path: 'node_modules/(?!zod/)', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'supervisor-is-node-alone',
      comment: 'one runs beside each command: what it loads, each of them has in memory',
      severity: 'error',
      from: { path: '^runner/(shim|group|log-writer|proc|state)\\.ts$' },
      to: { path: '^(?!runner/(group|log-writer|proc|state)\\.ts$)', dependencyTypesNot: ['type-only', 'core'] },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'resolves', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    tsPreCompilationDeps: 'specify',
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'types', 'default'],
    },
    doNotFollow: { path: 'node_modules' },
    exclude: {
      path: '^((dist|sdk/typescript/(dist|src/generated)|\\.wheelhouse|coverage|bench/peers/node_modules)/|bench/peers/engines/.*\\.mjs$)',
    },
  },
};
