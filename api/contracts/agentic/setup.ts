import { z } from 'zod';
import { operation } from '../../operation';
import { ModuleShape } from './tools';

export const setup = {
  setupStatus: operation({
    route: 'GET /api/setup/status',
    tag: 'Setup',
    summary: 'What of the installation is set up for this tenant, and whether it works',
    access: 'setup:read',
    output: z.object({ module_statuses: z.record(z.string(), ModuleShape), count: z.int() }),
  }),
};
