import { micros } from './instant';
import type { Read } from './tx';

export interface UserRow {
  id: string;
  email: string;
  fullName: string;
  role: string;
  isActive: boolean;
  passwordHash: string;
  createdAt: string;
}

const select = `select id, email, full_name as "fullName", role, is_active as "isActive", password_hash as "passwordHash",
  ${micros('created_at')} as "createdAt" from users`;

export async function userByEmail(tx: Read, email: string): Promise<UserRow | null> {
  const { rows } = await tx.query<UserRow & Record<string, unknown>>(`${select} where lower(email) = lower($1)`, [
    email,
  ]);
  return rows[0] ?? null;
}

export async function userById(tx: Read, id: string): Promise<UserRow | null> {
  const { rows } = await tx.query<UserRow & Record<string, unknown>>(`${select} where id = $1`, [id]);
  return rows[0] ?? null;
}
