import { jsonSchema, streamText, tool, type ModelMessage, type ToolSet } from 'ai';
import { ModelTrouble, type AgentModel, type Spoken, type ToolSpec } from '../../../domain/model';
import type { Reasoning } from '../../../domain/model-turn';
import type { Said } from '../../../domain/reasoner/conversation';
import { languageModel, troubleOf } from './endpoint';
import { asItIs, inThatManner, type Manner } from './manner';

export interface Asking {
  system: string;
  said: readonly Said[];
  tools: readonly ToolSpec[];
  /** Not given: as it answers where nobody says. */
  manner?: Manner;
  /** Of the attempt. */
  key: string;
  signal: AbortSignal;
  /** Told whenever something of the answer has come. */
  onChunk: () => void;
}

/** Bytes of an answer as it is streamed: a few for each of its tokens, with what stands around them. */
const mostBytes = 16 * 1024 * 1024;

/** Both APIs take these characters in the name of a tool, and so many. */
const wireName = (name: string): string => name.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 64);

/** Our names and those on the wire, each of which is one tool's. */
function named(tools: readonly ToolSpec[]) {
  const ours = new Map<string, string>();
  const wire = new Map<string, string>();
  for (const { name } of tools) {
    let w = wireName(name);
    for (let n = 2; ours.has(w); n += 1) w = `${wireName(name).slice(0, 60)}_${n}`;
    ours.set(w, name);
    wire.set(name, w);
  }
  return {
    ours: (w: string): string => ours.get(w) ?? w,
    wire: (name: string): string => wire.get(name) ?? wireName(name),
  };
}

const messages = (said: readonly Said[], wire: (name: string) => string): ModelMessage[] =>
  said.map((part): ModelMessage => {
    if (part.role === 'user') return { role: 'user', content: part.text };
    if (part.role === 'tool') {
      const content = part.results.map(({ id, tool: name, text, error }) => ({
        type: 'tool-result' as const,
        toolCallId: id,
        toolName: wire(name),
        output: { type: error ? ('error-text' as const) : ('text' as const), value: text },
      }));
      return { role: 'tool', content };
    }
    const calls = part.calls.map(({ id, tool: name, args }) => ({
      type: 'tool-call' as const,
      toolCallId: id,
      toolName: wire(name),
      input: args ?? {},
    }));
    const text = part.text.trim() === '' ? [] : [{ type: 'text' as const, text: part.text }];
    return { role: 'assistant', content: [...(part.reasoning ?? []).map(thought), ...text, ...calls] };
  });

const thought = ({ text, signature, redacted }: Reasoning) => ({
  type: 'reasoning' as const,
  text,
  providerOptions: { anthropic: { ...(signature !== null && { signature }), ...(redacted !== null && { redactedData: redacted }) } },
}); // prettier-ignore

/** What is to go back one day: unsigned, no endpoint wants it. */
function collector() {
  const thoughts = new Map<string, Reasoning>();
  return {
    hear(part: { type: string; id?: string; text?: string; providerMetadata?: unknown }): void {
      if (!part.type.startsWith('reasoning-')) return;
      const it = thoughts.get(part.id ?? '') ?? { text: '', signature: null, redacted: null };
      const told = (part.providerMetadata as { anthropic?: Record<string, unknown> } | undefined)?.anthropic ?? {};
      const [signature, redacted] = [told['signature'], told['redactedData']];
      thoughts.set(part.id ?? '', {
        text: it.text + (part.text ?? ''),
        signature: typeof signature === 'string' ? signature : it.signature,
        redacted: typeof redacted === 'string' ? redacted : it.redacted,
      });
    },
    kept: (): Reasoning[] => [...thoughts.values()].filter((t) => t.signature !== null || t.redacted !== null),
  };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * One answer in a conversation, streamed. Arguments are not checked here: the pipeline does that, for everybody.
 * @throws ModelTrouble
 */
export async function converse(model: AgentModel, asking: Asking): Promise<Spoken> {
  const { ours, wire } = named(asking.tools);
  const tools: ToolSet = Object.fromEntries(
    asking.tools.map((t) => [wire(t.name), tool({ description: t.description, inputSchema: jsonSchema(t.schema) })]),
  );
  const timeout = AbortSignal.timeout(model.timeoutMs);
  try {
    const { fullStream } = streamText({
      model: languageModel(model, mostBytes),
      system: asking.system,
      messages: messages(asking.said, wire),
      ...(asking.tools.length > 0 && { tools }),
      ...inThatManner(model, asking.manner ?? asItIs, asking.said),
      maxRetries: 0, // whoever asks counts each attempt
      abortSignal: AbortSignal.any([asking.signal, timeout]),
      headers: { 'idempotency-key': asking.key },
      onError: () => undefined, // it is a part of the stream as well
    });
    const spoken: Spoken = { text: '', calls: [], reasoning: [], stopReason: '', usage: null };
    const thoughts = collector();
    for await (const part of fullStream) {
      asking.onChunk();
      thoughts.hear(part);
      if (part.type === 'error') throw part.error;
      if (part.type === 'abort') throw new ModelTrouble('unheard', 'the model did not answer in time');
      if (part.type === 'text-delta') spoken.text += part.text;
      if (part.type === 'tool-call') {
        const { toolCallId: id, toolName, input } = part as { toolCallId: string; toolName: string; input: unknown };
        spoken.calls.push({ id, tool: ours(toolName), args: isObject(input) ? input : null });
      }
      if (part.type === 'finish') {
        const { inputTokens, outputTokens } = part.totalUsage;
        spoken.stopReason = part.finishReason;
        // No prompt has no tokens: who says so does not count.
        if (inputTokens && outputTokens !== undefined)
          spoken.usage = { tokensIn: inputTokens, tokensOut: outputTokens };
      }
    }
    spoken.reasoning = thoughts.kept();
    if (spoken.stopReason === '' || spoken.stopReason === 'error')
      throw new ModelTrouble('unheard', 'the answer ended before it was whole');
    return spoken;
  } catch (e) {
    throw troubleOf(e, model);
  }
}
