/** What a line of a command's output says of its work, in the words that the three commands have for it. */
export interface Said {
  /** How far that is, of 100; null: it says nothing of it. */
  progress: number | null;
  /** What it has to say in the end, when this is the last line that says so. */
  text: string | null;
  /** It says itself that it did not succeed. */
  failed: boolean;
  /** A turn of its model is over. */
  turn: Turn | null;
}
export interface Turn {
  /** The message's, which may come in parts. */
  id: string | null;
  model: string | null;
  stopReason: string | null;
  usesTool: boolean;
  inputTokens: number;
  outputTokens: number;
}

export const progressOf = { started: 5, begun: 10, turn: 40, tool: 45, result: 95 } as const;

type Json = Record<string, unknown>;
const isObject = (v: unknown): v is Json => typeof v === 'object' && v !== null && !Array.isArray(v);
const objectOf = (v: unknown): Json => (isObject(v) ? v : {});
const textOf = (v: unknown): string | null => (typeof v === 'string' && v.trim() !== '' ? v : null);
const mostCount = 2 ** 31 - 1;
const count = (v: unknown): number => (typeof v === 'number' && v >= 0 ? Math.min(Math.round(v), mostCount) : 0);
const partsOf = (message: Json): Json[] =>
  Array.isArray(message['content']) ? message['content'].filter(isObject) : [];

const silent: Said = { progress: null, text: null, failed: false, turn: null };

function turnOf(of: Json, usage: Json): Turn {
  return {
    id: textOf(of['id']),
    model: textOf(of['model']),
    stopReason: textOf(of['stop_reason']),
    usesTool: partsOf(of).some((p) => p['type'] === 'tool_use'),
    inputTokens: count(usage['input_tokens']),
    outputTokens: count(usage['output_tokens']),
  };
}

const messages = new Set(['agent_message', 'message', 'final_message']);

/** Codex tells of its items, and older versions of it of messages inside `msg`. */
function ofEvent(event: Json): Said {
  const type = textOf(event['type']) ?? '';
  if (messages.has(type)) {
    const said = textOf(event['text']) ?? textOf(event['message']) ?? textOf(event['content']);
    return { ...silent, progress: progressOf.turn, text: said };
  }
  switch (type) {
    case 'result': {
      const text = textOf(event['result']);
      return { ...silent, progress: progressOf.result, text, failed: event['is_error'] === true };
    }
    case 'system':
    case 'thread.started':
    case 'session_configured':
      return { ...silent, progress: progressOf.begun };
    case 'assistant': {
      const message = objectOf(event['message']);
      return { ...silent, progress: progressOf.turn, turn: turnOf(message, objectOf(message['usage'])) };
    }
    case 'user':
      return { ...silent, progress: partsOf(objectOf(event['message'])).some((p) => p['type'] === 'tool_result') ? progressOf.tool : null }; // prettier-ignore
    case 'turn.completed':
      return { ...silent, progress: progressOf.turn, turn: turnOf(event, objectOf(event['usage'])) };
    case 'turn.failed':
    case 'error':
      return { ...silent, text: textOf(objectOf(event['error'])['message']) ?? textOf(event['message']), failed: type === 'turn.failed' }; // prettier-ignore
    case 'item.completed': {
      const item = objectOf(event['item']);
      const inner = ofEvent(item);
      return inner.progress !== null ? inner : { ...silent, progress: progressOf.tool };
    }
    default:
      return isObject(event['msg']) ? ofEvent(event['msg']) : silent;
  }
}

/** What is no JSON says nothing; it is the log's. */
export function said(line: string): Said {
  if (!line.startsWith('{')) return silent;
  try {
    const event: unknown = JSON.parse(line);
    return isObject(event) ? ofEvent(event) : silent;
  } catch {
    return silent; // a line of text that begins like JSON
  }
}
