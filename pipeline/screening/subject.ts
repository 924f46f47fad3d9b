/** What a rule looks at: one normalised text of a tool call, with what it is used for. */

export const KINDS = [
  'chat',
  'sql',
  'shell',
  'k8s',
  'cloud',
  'path',
  'url',
  'host',
  'message',
  'money',
  'identity',
  'other',
] as const;

/** What a text is used for; `other` is an instruction of unknown use, and every rule that could apply does. */
export type Kind = (typeof KINDS)[number];

export interface Field {
  /** Lower case; the innermost name it stands under, empty for the elements of a bare list. */
  key: string;
  value: string;
}

/** Tool names by their parts: the first row that fits decides. */
const toolKinds: readonly (readonly [RegExp, Kind])[] = [
  [/search/, 'message'],
  [/llm|chat|completion|prompt|assistant/, 'chat'],
  [/sql|query_database|postgres|database|(?:^|[._])db(?:$|[._])/, 'sql'],
  [/k8s|kube|helm/, 'k8s'],
  [/aws|gcloud|gcp|azure|cloud|terraform|pulumi/, 'cloud'],
  [/shell|bash|terminal|exec|command|powershell|code|python|script|docker|ssh/, 'shell'],
  [/payment|charge|payout|refund|transfer|wire|invoice|bank|trade/, 'money'],
  [/iam|identity|rbac|permission|role|user|account|mfa/, 'identity'],
  [/email|mail|slack|sms|message|notify|teams|chat_post|tweet|post_comment/, 'message'],
  [/dns|resolve|whois|ping/, 'host'],
  [/http|fetch|url|browser|web|request|webhook|call_api|download|scrape/, 'url'],
  [/file|path|(?:^|[._])fs(?:$|[._])|directory/, 'path'],
];

/** Argument names. */
const keyKinds: readonly (readonly [RegExp, Kind])[] = [
  [/^(?:prompt|messages?|instructions?|system|question|content)$/, 'chat'],
  [/^(?:sql|statement)$/, 'sql'],
  [/^(?:command|cmd|script|code|shell|argv)$/, 'shell'],
  [/^(?:url|uri|endpoint|link|href|callback|webhook)$/, 'url'],
  [/^(?:path|file|filename|file_path|filepath|directory|dir)$/, 'path'],
  [/^(?:host|hostname|domain|address)$/, 'host'],
  [/^(?:title|subject|body|text|description|summary|note|comment|name|message|reason)$/, 'message'],
];

const find = (table: readonly (readonly [RegExp, Kind])[], name: string): Kind | null =>
  table.find(([pattern]) => pattern.test(name))?.[1] ?? null;

/** The kinds of a text by the name of its tool and of the argument it stands under; never empty. */
export function kindsOf(tool: string, key: string): ReadonlySet<Kind> {
  const ofTool = find(toolKinds, tool.toLowerCase());
  const ofKey = instructionKind(key);
  // What a file or address tool carries along (a body, the content of a file) is neither path nor address.
  const carried = ofKey !== null && (ofTool === 'path' || ofTool === 'url' || ofTool === 'host');
  const kinds = [carried ? null : ofTool, ofKey].filter((kind) => kind !== null);
  return new Set(kinds.length > 0 ? kinds : ['other']);
}

/** The kind of an argument by its name alone; null when the name says nothing. */
export function instructionKind(key: string): Kind | null {
  return find(keyKinds, key);
}

const tokens = /[\p{L}\p{N}_]+/gu;

export class Subject {
  private tokenised: readonly string[] | null = null;

  constructor(
    /** Lower case. */
    readonly tool: string,
    readonly kinds: ReadonlySet<Kind>,
    /** Normalised. */
    readonly text: string,
    /** Every argument, when the subject is the call as a whole; else empty. */
    readonly fields: readonly Field[],
  ) {}

  get words(): readonly string[] {
    this.tokenised ??= this.text.match(tokens) ?? [];
    return this.tokenised;
  }

  is(...kinds: readonly Kind[]): boolean {
    return kinds.some((kind) => this.kinds.has(kind));
  }
}

/** Every leaf of a JSON value with the innermost name above it. Depth is bounded by what JSON.parse accepted. */
export function flatten(value: unknown, key = ''): Field[] {
  const leaves: Field[] = [];
  const stack: [key: string, value: unknown][] = [[key, value]];
  for (let next = stack.pop(); next; next = stack.pop()) {
    const [name, item] = next;
    if (Array.isArray(item)) for (const element of item.toReversed()) stack.push([name, element]);
    else if (typeof item === 'object' && item !== null) {
      for (const [k, v] of Object.entries(item).toReversed()) stack.push([k.toLowerCase(), v]);
    } else if (typeof item === 'string') leaves.push({ key: name, value: item });
    else if (typeof item === 'number' || typeof item === 'boolean') leaves.push({ key: name, value: String(item) });
  }
  return leaves;
}

/** The JSON object or list in a text, and whether the text is nothing else; null when there is none. */
export function parseEmbedded(text: string): { value: unknown; isAll: boolean } | null {
  const start = text.search(/[{[]/);
  const end = Math.max(text.lastIndexOf('}'), text.lastIndexOf(']'));
  if (start < 0 || end <= start) return null;
  try {
    const value: unknown = JSON.parse(text.slice(start, end + 1));
    return { value, isAll: start === 0 && end === text.length - 1 };
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
