import { z } from 'zod';
import { wholeOr } from '../shapes';

// What the declarations of this door share.

const most = 2_147_483_647;

/** `agent_123` is the agent whose number is 123. A text of another form names nothing. */
export const prefixed = <K extends string>(prefix: K) =>
  z
    .string()
    .regex(new RegExp(`^${prefix}_[1-9]\\d{0,9}$`), `must look like ${prefix}_123`)
    .transform((id) => Number(id.slice(prefix.length + 1)))
    .refine((n) => n <= most, `must look like ${prefix}_123`);
export const idOf = <K extends string>(prefix: K, number: number): `${K}_${number}` => `${prefix}_${number}`;
/** The id of something in an answer. */
export const Id = <K extends string>(prefix: K) => z.templateLiteral([`${prefix}_`, z.int()]);

export const byAgent = z.object({ agent_id: prefixed('agent') });

export const pageQuery = z.object({
  page: wholeOr(1, 1, 1_000_000).describe('Which page, from 1 on'),
  limit: wholeOr(20, 1, 100).describe('Items on a page'),
});
type Page = z.output<typeof pageQuery>;

const Pagination = z.object({ page: z.int(), limit: z.int(), total: z.int(), pages: z.int() });

/** A list is its whole answer: `{data, pagination}`. */
export const listed = <S extends z.ZodType>(row: S) =>
  ({ whole: true, output: z.object({ data: z.array(row), pagination: Pagination }) }) as const;

/** The rows of a page, and how many there are on all of them. */
export const pageOf = <T>({ page, limit }: Page, data: T[], total: number) => ({
  data,
  pagination: { page, limit, total, pages: Math.ceil(total / limit) },
});
