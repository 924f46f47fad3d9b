import { z } from 'zod';
import { userRoleNames, userRoleOf, type UserRole } from '../../../domain/roles';
import { operation } from '../../operation';
import { byUuid, Email, Instant, Password } from '../shapes';
import { LoggedIn, User } from './auth';

export const Role = z
  .enum(userRoleNames)
  .transform((name): UserRole => userRoleOf(name) ?? 'READ_ONLY')
  .describe('SECURITY, AUDITOR and VIEWER are older names of SECURITY_ANALYST and READ_ONLY');

const UserRow = User.pick({ id: true, email: true, role: true, is_active: true, created_at: true }).extend({
  status: z.enum(['invited', 'active', 'deactivated']),
});
const Invitation = z.object({
  token: z.string().describe('For POST /auth/invitations/accept; in this answer only'),
  expires_at: Instant,
});

export const people = {
  createUser: operation({
    route: 'POST /auth/users',
    tag: 'auth',
    summary: 'Add a user who logs in with a password',
    access: 'users:manage',
    status: 201,
    body: z
      .object({
        email: Email,
        password: Password,
        tenant_id: z.uuid().toLowerCase().describe('The caller’s own'),
        role: Role,
        full_name: z.string().trim().min(1).max(200).optional().describe('The e-mail address unless given'),
        org_id: z.uuid().nullish(),
      })
      .meta({
        example: {
          email: 'dana@example.com',
          password: 'correct horse battery staple',
          tenant_id: '0190a8b4-7f3e-7c11-9d5a-3b1f60c2a001',
          role: 'DEVELOPER',
        },
      }),
    output: User,
    errors: ['Conflict', 'Forbidden'],
  }),
  provisionCredentials: operation({
    route: 'POST /auth/credentials',
    tag: 'auth',
    summary: 'Give an agent a secret of your choosing, which it logs in with; it is not shown again',
    access: 'keys:manage',
    status: 201,
    body: z.object({
      agent_id: z.uuid().toLowerCase(),
      secret: z.string().min(16).max(256),
      replace: z.boolean().default(false).describe('Instead of the one that it has, whose tokens end at once'),
    }),
    output: z.object({
      id: z.uuid(),
      agent_id: z.uuid(),
      status: z.enum(['active', 'revoked']),
      is_active: z.boolean(),
      created_at: Instant,
      updated_at: Instant,
    }),
    errors: ['NotFound', 'Conflict'],
  }),
  acceptInvitation: operation({
    route: 'POST /auth/invitations/accept',
    tag: 'auth',
    summary: 'Come in by an invitation: choose a password, and be logged in',
    access: 'login',
    body: z.object({
      token: z.string().min(1).max(200),
      password: Password,
      full_name: z
        .string()
        .trim()
        .regex(/^[^\p{C}]{1,200}$/u, 'a name of at most 200 characters')
        .optional(),
    }),
    output: LoggedIn,
    errors: ['Unauthorized'],
  }),
  listUsers: operation({
    route: 'GET /users',
    tag: 'users',
    summary: 'The users of the tenant, those who left included, by e-mail address',
    access: 'users:manage',
    query: z.object({ role: Role.optional() }),
    output: z.array(UserRow),
  }),
  inviteUser: operation({
    route: 'POST /users/invite',
    tag: 'users',
    summary: 'Invite somebody, for seven days; inviting them again before they came makes the older invitation void',
    access: 'users:manage',
    status: 201,
    body: z.object({ email: Email, role: Role }).meta({ example: { email: 'erin@example.com', role: 'DEVELOPER' } }),
    output: UserRow.extend({ invitation: Invitation }),
    errors: ['Conflict', 'Forbidden'],
  }),
  updateUser: operation({
    route: 'PATCH /users/:user_id',
    tag: 'users',
    summary: 'Change a user’s role, let them in again, or not any more',
    access: 'users:manage',
    params: byUuid('user_id'),
    body: z
      .object({
        role: Role.optional(),
        is_active: z.boolean().optional(),
        status: z.enum(['active', 'deactivated']).optional().describe('is_active, in words'),
      })
      .refine((b) => Object.values(b).some((v) => v !== undefined), 'role, is_active or status')
      .refine((b) => b.status === undefined || b.is_active === undefined || (b.status === 'active') === b.is_active, {
        message: 'status and is_active say different things',
        path: ['status'],
      })
      .meta({ example: { role: 'READ_ONLY' } }),
    output: UserRow,
    errors: ['Conflict', 'Forbidden'],
  }),
  deactivateUser: operation({
    route: 'DELETE /users/:user_id',
    tag: 'users',
    summary: 'Let a user in no more: their tokens and keys are dead at once',
    access: 'users:manage',
    params: byUuid('user_id'),
    output: z.object({ id: z.uuid(), is_active: z.literal(false) }),
    errors: ['Conflict', 'Forbidden'],
  }),
  eraseUser: operation({
    route: 'POST /users/:user_id/erase',
    tag: 'users',
    summary: 'Erase what names a user, for good: in the log their key is shredded, and every proof still holds',
    access: 'users:manage',
    params: byUuid('user_id'),
    output: z.object({ id: z.uuid(), is_active: z.literal(false), erased_at: Instant }),
    errors: ['Conflict', 'Forbidden'],
  }),
};
