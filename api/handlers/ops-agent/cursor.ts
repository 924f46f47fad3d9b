import { z } from 'zod';
import type { Place } from '../../../db/worklist';
import { Invalid } from '../../../domain/errors';
import { severities, type Severity } from '../../../domain/findings';

const Cursor = z.strictObject({
  p: z.int().min(0).max(9_999),
  i: z.uuid(),
  s: z.enum(severities).nullable(),
});

const write = (c: z.output<typeof Cursor>): string => Buffer.from(JSON.stringify(c)).toString('base64url');

/** Where a page ended, and of which list: opaque to whoever carries it. */
export const cursorOf = ({ priority, id }: Place, severity: Severity | null): string =>
  write({ p: priority, i: id, s: severity });

/** @throws Invalid for what no page of this list gave out */
export function readCursor(text: string, severity: Severity | null): Place {
  let json: unknown = null;
  try {
    json = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    // no cursor of ours: refused below
  }
  const { data } = Cursor.safeParse(json);
  if (!data || write(data) !== text)
    throw new Invalid('cursor: not one that a page gave; take next_cursor as it is', { field: 'cursor' });
  if (data.s !== severity)
    throw new Invalid(
      `cursor: of the list with ${data.s === null ? 'no severity' : `severity=${data.s}`}; ask for the same`,
      {
        field: 'cursor',
      },
    );
  return { priority: data.p, id: data.i };
}
