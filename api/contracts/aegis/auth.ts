import { z } from 'zod';
import { operation } from '../../operation';
import { Instant } from '../shapes';

const tag = 'auth';

export const auth = {
  login: operation({
    route: 'POST /auth/token',
    tag,
    summary: 'Log in with e-mail and password, in the tenant that X-Tenant-ID names; sets the cookie acp_token as well',
    access: 'login',
    body: z
      .object({
        email: z
          .string()
          .max(254)
          .regex(/^[^\s@\p{C}]+@[^\s@\p{C}]+$/u, 'an e-mail address'),
        password: z.string().min(1).max(1024),
      })
      .meta({ example: { email: 'dana@example.com', password: 'correct horse battery staple' } }),
    output: z.object({
      access_token: z.string(),
      token_type: z.literal('bearer'),
      expires_in: z.int().describe('Seconds'),
      tenant_id: z.uuid(),
      role: z.string(),
    }),
    errors: ['Unauthorized'],
  }),
  me: operation({
    route: 'GET /auth/me',
    tag,
    summary: 'The user behind the credential',
    access: 'profile:read',
    output: z.object({
      id: z.uuid(),
      email: z.string(),
      full_name: z.string(),
      role: z.string(),
      tenant_id: z.uuid(),
      is_active: z.boolean(),
      created_at: Instant,
    }),
    errors: ['Forbidden'],
  }),
};
