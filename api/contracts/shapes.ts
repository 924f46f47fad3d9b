import { z } from 'zod';

// What many declarations share.

export const Instant = z.iso.datetime({ offset: true });
/** The integers by which the doors know things; one that no column could hold names nothing. */
export const intId = z.coerce.number().int().min(1).max(2_147_483_647);
export const byId = <K extends string>(key: K) => z.object({ [key]: intId } as Record<K, typeof intId>);
export const byUuid = <K extends string>(key: K) => {
  const uuid = z.uuid();
  return z.object({ [key]: uuid } as Record<K, typeof uuid>);
};
/** A short text that must say something. */
export const name = (max: number) => z.string().trim().min(1).max(max);
/** A text that must say something. */
export const prose = z.string().trim().min(1).max(20_000);
export const page = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  offset: z.coerce.number().int().min(0).max(2_147_483_647).default(0),
});
export const flag = z.union([z.boolean(), z.stringbool()]);
