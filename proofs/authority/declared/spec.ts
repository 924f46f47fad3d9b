import { at, none, type Declared } from '../declaration';

export const spec: Readonly<Record<string, Declared>> = {
  health: none,
  opsAgentHealth: none,
  ready: none,
  live: none,
  orchestrationHealth: none,
  systemHealth: none,
  status: none,
  metrics: none,
  opsAgentMetrics: {
    ids: {},
    own: { statuses: [401], why: 'asked without the metrics token; test/api/health has it' },
  },
  protectedResourceMetadata: none,
  openApiDocument: none,
  swaggerPage: none,
  redocPage: none,
  docsAsset: { ids: { 'path.asset': at('asset', 'public') } },
};
