import { z } from 'zod';

type Schema = z.core.JSONSchema.BaseSchema;

/** The smallest value that a schema takes, made from its JSON Schema; `undefined` where nothing can be made. */
function smallest(s: Schema): unknown {
  if (s.default !== undefined) return s.default;
  if (s.const !== undefined) return s.const;
  if (s.enum) return s.enum[0];
  const branch = (s.anyOf ?? s.oneOf ?? s.allOf)?.[0];
  if (branch) return smallest(branch);
  switch (Array.isArray(s.type) ? s.type[0] : s.type) {
    case 'string':
      return text(s);
    case 'integer':
    case 'number':
      return Math.max(s.minimum ?? 1, 1);
    case 'boolean':
      return true;
    case 'array':
      return s.minItems ? [smallest((s.items ?? {}) as Schema)] : [];
    case 'object': {
      const required = s.required ?? [];
      return Object.fromEntries(required.map((k) => [k, smallest((s.properties?.[k] ?? {}) as Schema)]));
    }
    case 'null':
    case undefined:
      return {};
  }
  return {};
}

function text(s: Schema): string {
  if (s.format === 'uuid') return '01890000-0000-7000-8000-000000000000';
  if (s.format === 'email') return 'nobody@local.test';
  if (s.format === 'date-time') return '2030-01-01T00:00:00Z';
  return 'x'.repeat(Math.max(s.minLength ?? 1, 1));
}

const known = new WeakMap<z.ZodType, Schema>();
/** What a declaration takes, as JSON Schema; made once, for thousands of calls. */
export function json(schema: z.ZodType): Schema {
  const made = known.get(schema) ?? z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  known.set(schema, made);
  return made;
}

/** A declaration that asks for more than its types say carries an example of its own. */
export const exampleOf = (schema: z.ZodType): unknown => schema.meta()?.['example'] ?? smallest(json(schema));

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
  const example = exampleOf(schema) as Record<string, unknown>;
  return Object.keys(properties).flatMap((field) => {
    for (const value of values) {
      const input = { ...example, [field]: value };
      const parsed = schema.safeParse(input);
      if (!parsed.success && parsed.error.issues[0]?.path[0] === field) return [{ field, input }];
    }
    return [];
  });
}
