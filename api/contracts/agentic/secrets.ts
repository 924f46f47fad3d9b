import { z } from 'zod';
import { operation } from '../../operation';
import { byId, Instant, name, page } from '../shapes';

const tag = 'Agents';
const access = 'secrets:manage';

const SecretShape = z.object({
  id: z.int(),
  path: z.string().describe('system/resource_type/resource_id'),
  system: z.string(),
  resource_type: z.string(),
  resource_id: z.string(),
  action: z.string(),
  version: z.int().describe('Grows with each replacement; leases lend the newest'),
  changed_by: z.string(),
  created_at: Instant,
  updated_at: Instant,
  secret_values_returned: z.literal(false),
});

export const secrets = {
  listSecrets: operation({
    route: 'GET /api/vault/secrets',
    tag,
    summary: 'What secrets the tenant keeps, and what for; never a secret itself',
    access,
    query: page,
    output: z.object({ secrets: z.array(SecretShape), total: z.int() }),
  }),
  putSecret: operation({
    route: 'POST /api/vault/secrets',
    tag,
    summary:
      'Keep a secret that leases of this scope lend, or replace the one that is kept: leases that stand lend it from then on',
    access,
    body: z.object({
      system: name(100),
      resource_type: name(100),
      resource_id: name(200).default('*').describe('* stands for any text in it'),
      action: name(50).default('*').describe('* for whatever is to be done'),
      value: z.string().min(1).max(16_384).describe('Sealed as it comes; no answer, no log and no workflow holds it'),
    }),
    output: SecretShape.extend({ replaced: z.boolean() }),
    errors: ['Conflict'],
  }),
  deleteSecret: operation({
    route: 'DELETE /api/vault/secrets/:secret_id',
    tag,
    summary: 'Forget a secret; leases that lend it end with it',
    access,
    params: byId('secret_id'),
    output: z.object({ status: z.literal('deleted'), id: z.int(), leases_ended: z.int() }),
    errors: ['NotFound'],
  }),
};
