import type { z } from 'zod';
import { json, leastOf } from '../../api/example';

/** Values that fit no plain type: text where a number belongs, a number where text does. */
const misfits: unknown[] = [{ wrong: ['type'] }, 12.5, 'not-one-of-these', [[]], false, ''];

/**
 * An ill-typed input for each part that can be ill typed: the example with one part replaced by something that the schema
 * refuses there, and the name of that part.
 */
export function illTyped(
  schema: z.ZodType,
  values: unknown[] = misfits,
): { field: string; input: Record<string, unknown> }[] {
  const { properties = {} } = json(schema);
  const example = leastOf(schema) as Record<string, unknown>;
  return Object.keys(properties).flatMap((field) => {
    for (const value of values) {
      const input = { ...example, [field]: value };
      const parsed = schema.safeParse(input);
      if (!parsed.success && parsed.error.issues[0]?.path[0] === field) return [{ field, input }];
    }
    return [];
  });
}
