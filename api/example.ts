import { z } from 'zod';

type Schema = z.core.JSONSchema.BaseSchema;
type Words = Readonly<Record<string, unknown>>;

/** What the parts of a body usually say: an example in the document shows these. */
const usual: Words = {
  title: 'Disk full on web-1',
  description: 'The volume of /var/log is at 96 percent.',
  name: 'disk-watcher',
  agent_id: 'agent_123',
  agent_name: 'disk-watcher',
  for_agent: 'disk-watcher',
  created_by: 'dana',
  owner_id: 'dana',
  actor: 'dana',
  reason: 'Looked at by the night shift.',
  note: 'Looked at by the night shift.',
  comment: 'Looked at by the night shift.',
  message: 'Look at web-1 first.',
  question: 'Which volume may be grown?',
  response: 'Only /var/log.',
  body: 'Old logs may go after seven days.',
  content: 'Old logs may go after seven days.',
  prompt: 'Find out why the disk of web-1 is full.',
  prompt_template: 'Find out why the disk of {host} is full.',
  blueprint: 'Look at the largest folders, then ask before anything is deleted.',
  result: 'Rotated the logs; 41 percent are used now.',
  error: 'web-1 does not answer.',
  summary: 'Logs were kept for too long.',
  action: 'restart',
  target: 'web-1',
  resource: 'host:web-1',
  system: 'web-1',
  permission: 'read',
  resource_type: 'host',
  ticket_class: 'UserRequest',
  ticket_ref: '42',
  metric: 'documents_read',
  report_type: 'daily',
  value: 'what nobody else may read',
  secret: 'a secret of your own choosing',
  token: 'the token, as it was given',
  api_key: 'acp_the_key_as_it_was_given',
  cosignature: '— witness.example.com as the witness signed it',
  customer_id: 'c-1042',
  terminal_id: 't-7',
  occurred_at: '2026-01-15T09:30:00Z',
  disputed_at: '2026-01-20T00:00:00Z',
  signal: 'look',
  category: 'storage',
  filename: 'df.txt',
  email: 'dana@example.com',
  password: 'correct horse battery staple',
  members: ['dana@example.com'],
  quorum: '1 of approvers',
  tool: 'files.read',
  tool_name: 'files.read',
  step: 'look',
  path: 'index.html',
};

/** The smallest value that a schema takes, made from its JSON Schema; `undefined` where nothing can be made. */
function valueOf(s: Schema, words: Words): unknown {
  if (s.default !== undefined) return s.default;
  if (s.const !== undefined) return s.const;
  if (s.enum) return s.enum[0];
  const branch = (s.anyOf ?? s.oneOf ?? s.allOf)?.[0];
  if (branch) return valueOf(branch, words);
  switch (Array.isArray(s.type) ? s.type[0] : s.type) {
    case 'string':
      return text(s);
    case 'integer':
    case 'number':
      return Math.max(s.minimum ?? 1, 1);
    case 'boolean':
      return true;
    case 'array':
      return s.minItems ? [valueOf((s.items ?? {}) as Schema, words)] : [];
    case 'object':
      return objectOf(s, words);
    case 'null':
    case undefined:
      return {};
  }
  return {};
}

/** What has to be said, in usual words where it has some. Where nothing has to be, the first three parts that have words. */
function objectOf(s: Schema, words: Words): Record<string, unknown> {
  const properties = (s.properties ?? {}) as Record<string, Schema>;
  const worded = Object.keys(properties).filter((k) => takes(properties[k], words[k]));
  const names = s.required?.length ? s.required : worded.slice(0, 3);
  return Object.fromEntries(names.map((k) => [k, worded.includes(k) ? words[k] : valueOf(properties[k] ?? {}, words)]));
}

/** A name may stand for a text here and for a number there, or for an id of another form. */
function takes(s: Schema | undefined, word: unknown): boolean {
  if (!s || word === undefined || s.format === 'uuid') return false;
  if (typeof word === 'string' && s.pattern !== undefined && !new RegExp(s.pattern, 'u').test(word)) return false;
  const types = [s.type, ...(s.anyOf ?? []).map((branch) => branch.type)].flat();
  return types.includes(Array.isArray(word) ? 'array' : (typeof word as 'string'));
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

const own = (schema: z.ZodType): unknown => schema.meta()?.['example'];

/** The least that a body takes. A declaration that asks for more than its types say carries an example of its own. */
export const leastOf = (schema: z.ZodType): unknown => own(schema) ?? valueOf(json(schema), {});

/** A body to show to people: the declaration's own example, or one in usual words, or the least where those do not fit. */
export function exampleOf(schema: z.ZodType): unknown {
  const shown = own(schema) ?? valueOf(json(schema), usual);
  return schema.safeParse(shown).success ? shown : leastOf(schema);
}
