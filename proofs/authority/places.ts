import { z } from 'zod';
import type { Operation } from '../../api/operation';
import type { Declared } from './declaration';

type Schema = z.core.JSONSchema.BaseSchema;

/** A field that names a thing, by its name; what a path holds always does. */
const names = /(^|_)(id|ids|slug|cursor|offset|api_key|receipt)$/;

/** Fields of a schema and of what is in it, lists included, as `lease_request.resource_id`. */
function fields(s: Schema, prefix = ''): string[] {
  const inner = [...(s.anyOf ?? []), ...(s.oneOf ?? []), ...(s.allOf ?? [])] as Schema[];
  const items = s.items && typeof s.items === 'object' && !Array.isArray(s.items) ? [s.items] : [];
  return [
    ...Object.entries(s.properties ?? {}).flatMap(([key, value]) => [
      `${prefix}${key}`,
      ...fields(value as Schema, `${prefix}${key}.`),
    ]),
    ...[...inner, ...items].flatMap((part) => fields(part, prefix)),
  ];
}
const fieldsOf = (schema: z.ZodType | undefined): string[] =>
  schema ? [...new Set(fields(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })))] : [];

const last = (field: string): string => field.slice(field.lastIndexOf('.') + 1);

/** The places of an operation that take an id, as its declaration has them. */
export function idPlaces(op: Operation): string[] {
  const named = (of: string, schema: z.ZodType | undefined): string[] =>
    fieldsOf(schema)
      .filter((f) => names.test(last(f)))
      .map((f) => `${of}.${f}`);
  const path = fieldsOf(op.params).map((f) => `path.${f}`);
  return [...path, ...named('query', op.query), ...named('body', op.body)];
}

/** What the table says too little or too much about, compared with the declarations. */
export function undeclared(
  operations: readonly { name: string; op: Operation }[],
  table: Readonly<Record<string, Declared>>,
): string[] {
  const known = new Set(operations.map((o) => o.name));
  const wrong = Object.keys(table)
    .filter((name) => !known.has(name))
    .map((name) => `${name}: there is no such operation`);
  for (const { name, op } of operations) {
    const entry = table[name];
    if (!entry) {
      wrong.push(`${name}: no declared outcome`);
      continue;
    }
    const places = new Set(idPlaces(op));
    for (const place of places) if (!entry.ids[place]) wrong.push(`${name}: no declared outcome for ${place}`);
    for (const place of Object.keys(entry.ids)) {
      if (!places.has(place) && !place.startsWith('header.')) wrong.push(`${name}: has no ${place}`);
    }
  }
  return wrong;
}
