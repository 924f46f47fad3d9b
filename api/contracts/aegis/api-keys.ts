import { z } from 'zod';
import { roleNames, scopes } from '../../../domain/scopes';
import { operation } from '../../operation';
import { byUuid, Instant, name } from '../shapes';

const tag = 'API Keys';

export const ApiKeyRow = z.object({
  id: z.uuid(),
  tenant_id: z.uuid(),
  name: z.string(),
  key_prefix: z.string(),
  role: z.string(),
  scopes: z.array(z.string()),
  agent_id: z.uuid().nullable(),
  created_at: Instant,
  expires_at: Instant.nullable(),
  is_active: z.boolean(),
  last_used_at: Instant.nullable(),
});

export const apiKeys = {
  listApiKeys: operation({
    route: 'GET /api-keys',
    tag,
    summary: 'The keys of the tenant, newest first, without their secrets',
    access: 'keys:manage',
    output: z.array(ApiKeyRow),
  }),
  createApiKey: operation({
    route: 'POST /api-keys',
    tag,
    summary: 'Make a key that acts as its maker, or as an agent; the key itself is in this answer only',
    access: 'keys:manage',
    status: 201,
    body: z.object({
      name: name(100),
      expires_at: z.iso
        .datetime({ offset: true, abort: true })
        .refine((at) => Date.parse(at) > Date.now(), 'must be in the future')
        .nullish(),
      agent_id: z.uuid().nullish().describe('The agent that the key acts as'),
      role: z
        .enum(roleNames)
        .optional()
        .describe('What the key may do, as far as its maker may; DEVELOPER, and agent for an agent, unless given'),
      scopes: z.array(z.enum(scopes)).min(1).optional().describe('Fewer than those of the role'),
    }),
    output: ApiKeyRow.omit({ is_active: true, last_used_at: true }).extend({ api_key: z.string() }),
    errors: ['NotFound', 'Forbidden', 'Conflict'],
  }),
  revokeApiKey: operation({
    route: 'DELETE /api-keys/:key_id',
    tag,
    summary: 'Revoke a key; it is dead at its next request, and streams that it opened end',
    access: 'keys:manage',
    params: byUuid('key_id'),
    output: z.null(),
    errors: ['NotFound'],
  }),
  validateApiKey: operation({
    route: 'POST /api-keys/validate',
    tag,
    summary: 'Whose key it is, for services that were shown one; 401 for one that does not open this tenant',
    access: 'keys:manage',
    body: z.object({ api_key: z.string().min(1).max(200) }),
    output: ApiKeyRow,
    errors: ['Unauthorized'],
  }),
};
