import { z } from 'zod';

/** Who we are at a part of Wazuh. */
export interface Login {
  user: string;
  password: string;
}

const Pair = z.object({ username: z.string().min(1), password: z.string().min(1) });

/** A leased secret as a login: JSON with `username` and `password`, or `user:password`. Null when it is neither. */
export function loginOf(secret: string): Login | null {
  if (secret.startsWith('{')) {
    try {
      const { data } = Pair.safeParse(JSON.parse(secret));
      if (data) return { user: data.username, password: data.password };
    } catch {
      return null; // no JSON: nothing of it is told, for it is a secret
    }
  }
  const colon = secret.indexOf(':');
  if (colon < 1 || colon === secret.length - 1) return null;
  return { user: secret.slice(0, colon), password: secret.slice(colon + 1) };
}

export const basic = ({ user, password }: Login): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
