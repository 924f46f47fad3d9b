import { z } from 'zod';
import { operation } from '../../operation';

export const metadataPath = '/.well-known/oauth-protected-resource/mcp';

export const protectedResource = {
  protectedResourceMetadata: operation({
    route: `GET ${metadataPath}`,
    tag: 'spec',
    summary: 'What /mcp takes, and whom to ask for a token (RFC 9728)',
    access: 'public',
    whole: true,
    output: z.object({
      resource: z.string(),
      authorization_servers: z.array(z.string()).optional(),
      scopes_supported: z.array(z.string()),
      bearer_methods_supported: z.array(z.literal('header')),
      resource_name: z.string(),
      resource_documentation: z.string(),
    }),
    aliases: ['/.well-known/oauth-protected-resource'],
  }),
};
