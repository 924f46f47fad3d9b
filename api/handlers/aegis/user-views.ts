import type { UserRow } from '../../../db/users';

export const userView = (user: UserRow, tenantId: string) => ({
  id: user.id,
  email: user.email,
  full_name: user.fullName,
  role: user.role,
  tenant_id: tenantId,
  is_active: user.isActive,
  created_at: user.createdAt,
});

export const userRow = (user: UserRow) => ({
  id: user.id,
  email: user.email,
  role: user.role,
  is_active: user.isActive,
  created_at: user.createdAt,
  status: user.isActive ? ('active' as const) : user.isInvited ? ('invited' as const) : ('deactivated' as const),
});
