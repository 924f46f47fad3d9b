import { z } from 'zod';

const largest = Number.MAX_SAFE_INTEGER;

/** A schema as OpenAPI 3.1 has it (JSON Schema 2020-12), without what zod adds to say what is plain anyway. */
export function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> {
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override: ({ jsonSchema: s }) => {
      if (s.maximum === largest) delete s.maximum;
      if (s.minimum === -largest) delete s.minimum;
      // Not every reader of the document knows Unicode classes; a format says what its pattern says.
      if (s.format || s.pattern?.includes('\\p{')) delete s.pattern;
      // What a whole body looks like stands beside its schema.
      delete s['example'];
    },
  });
  return json;
}
