import { z } from 'zod';
import type { Method } from '../../operation';
import { hasCome, since1970, timeOrDay, wholeOr } from '../shapes';

// What the declarations of this door share.

/** Where an operation is: at the door's own base, and at the short one. */
export const at = <M extends Method>(method: M, path: `/${string}`) => ({
  route: `${method} /functions/v1/api/v1/agent-ops${path}` as const,
  aliases: [`/api/v1/agent-ops${path}`],
});

/** A place in a list that is newest first: the time of its last row, to the microsecond, and that row's id. */
export interface Place {
  at: string;
  id: string;
}
const PlaceSchema = z.tuple([z.iso.datetime({ offset: true, precision: 6 }), z.uuid()]);
export const cursorOf = ({ at, id }: Place): string => Buffer.from(JSON.stringify([at, id])).toString('base64url');

function placeOf(cursor: string): Place | null {
  try {
    const read = PlaceSchema.safeParse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
    return read.success ? { at: read.data[0], id: read.data[1] } : null;
  } catch {
    return null; // not even JSON
  }
}
const Cursor = z
  .string()
  .max(200)
  .transform((cursor, ctx): Place => {
    const place = placeOf(cursor);
    if (place) return place;
    ctx.addIssue('not a cursor: take the next_cursor of the page before');
    return z.NEVER;
  });

/** A page by keyset: stable while rows are added, at any depth. */
export const keysetPage = z.object({
  limit: wholeOr(25, 1, 100),
  cursor: Cursor.optional().describe('The next_cursor of the page before'),
});

/** A list is its whole answer: `{data, pagination}`. */
export const listed = <S extends z.ZodType>(row: S) =>
  ({
    whole: true,
    output: z.object({
      data: z.array(row),
      pagination: z.object({ has_more: z.boolean(), next_cursor: z.string().nullable() }),
    }),
  }) as const;

/** A page from one row more than was asked for, which tells that there are more. */
export function pageOf<R extends Place, V>(rows: readonly R[], limit: number, view: (row: R) => V) {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const more = rows.length > limit;
  return {
    data: shown.map(view),
    pagination: { has_more: more, next_cursor: more && last ? cursorOf(last) : null },
  };
}

/** From when on: a time, or a day from its midnight (UTC) on. */
export const Since = timeOrDay('00:00:00');

/** When something happened: never ahead of us, so that nothing that follows looks older. To the millisecond, in UTC. */
export const Happened = z.iso
  .datetime({ offset: true, abort: true })
  .refine(since1970, 'too long ago')
  .refine(hasCome, 'lies in the future')
  .transform((v) => new Date(Math.min(Date.parse(v), Date.now())).toISOString());
