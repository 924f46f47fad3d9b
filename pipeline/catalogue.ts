import { z } from 'zod';
import type { Tool, ToolEntry } from './call';

/** What it takes to call a tool, read off the schema that its arguments are held to. */
export function entryOf({ name, description, effect, scope, args, inputSchema }: Tool): ToolEntry {
  if (inputSchema) return { name, description, effect, scope, schema: inputSchema };
  const { $schema: _, ...schema } = z.toJSONSchema(args, { io: 'input', unrepresentable: 'any' });
  return { name, description, effect, scope, schema };
}
