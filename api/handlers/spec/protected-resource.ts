import { tools } from '../../mcp/tools';
import { mcpPath } from '../../mcp/path';
import type { protectedResource } from '../../contracts/spec/protected-resource';
import type { Handlers } from '../../kernel';
import { baseOf } from '../../public-base';

/** `issues`: whether tokens are given out here; else the keys that people are given are all there is. */
export const protectedResourceHandlers = (issues: () => boolean): Handlers<typeof protectedResource> => ({
  protectedResourceMetadata: (_input, { kernel, headers }) => {
    const base = baseOf(kernel, headers);
    return Promise.resolve({
      resource: `${base}${mcpPath}`,
      ...(issues() && { authorization_servers: [base] }),
      scopes_supported: [...new Set([...tools.values()].map(({ op }) => op.access))].sort(),
      bearer_methods_supported: ['header' as const],
      resource_name: 'Wheelhouse',
      resource_documentation: `${base}/docs`,
    });
  },
});
