import { z } from 'zod';
import { leastOf } from '../../api/example';

type Json = Record<string, unknown>;

/** What makes of the example another body that the schema takes as well; null where there is but one. */
export function otherBody(body: z.ZodType, on: Json): Json | null {
  // Of rows one is changed.
  const schema = body instanceof z.ZodArray ? (body.element as z.ZodType) : body;
  const example = { ...(leastOf(schema) as Json), ...on };
  const shape = Object.keys((schema as { shape?: object }).shape ?? example);
  const candidates: Json[] = [
    ...shape.flatMap((field) => [
      { [field]: `another ${JSON.stringify(example[field] ?? '')}` },
      { [field]: example[field] !== true },
    ]),
    { another: true },
  ];
  return candidates.find((other) => schema.safeParse({ ...example, ...other }).success) ?? null;
}
