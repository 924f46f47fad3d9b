import { parentPort } from 'node:worker_threads';
import { loadPolicySync } from '@open-policy-agent/opa-wasm';
import type { Question, Ready, Reply } from './evaluator';

// The thread that tenants' policies are evaluated in (evaluator.ts): what runs too long ends with it, and with nothing else.

/** 64 KiB each; a policy that needs more than 32 MiB for one call fails, and what fails denies. */
const memoryPages = { initial: 5, maximum: 512 };
/** Kept between calls. OPA resets the heap at the start of each evaluation, so calls leave nothing to one another. */
const mostKept = 100;
/** An instance's memory never shrinks: one that has grown beyond this is made anew. */
const keptBytes = 4 * 1024 * 1024;

/** Characters of one policy's answer as JSON, and of all in one reply: it is read where everybody's requests are. */
const mostSaid = { answer: 256 * 1024, reply: 8 * 1024 * 1024 };

/** The answers of one call always fit: what does not was asked together with others. */
const full = { error: 'the reply has no room for its answer', unasked: true } as const;

type Policy = ReturnType<typeof loadPolicySync>;
const kept = new Map<string, Policy>();

function policyOf(key: string, module: WebAssembly.Module): Policy {
  const policy = kept.get(key) ?? loadPolicySync(module, memoryPages);
  kept.delete(key);
  kept.set(key, policy); // the last that was asked for goes last
  const [oldest] = kept.keys();
  if (kept.size > mostKept && oldest !== undefined) kept.delete(oldest);
  return policy;
}

function evaluate(
  { key, module, entrypoints }: Question['policies'][number],
  input: ArrayBuffer,
  left: { characters: number },
): Reply['answers'][number] {
  if (left.characters < 0) return full;
  try {
    const policy = policyOf(key, module);
    const results = entrypoints.map((entrypoint) => policy.evaluate(input, entrypoint) as unknown);
    if (policy.mem.buffer.byteLength > keptBytes) kept.delete(key);
    const size = JSON.stringify(results).length;
    if (size > mostSaid.answer) return { error: 'its answer is too long' };
    left.characters -= size;
    if (left.characters < 0) return full;
    return { results };
  } catch (error) {
    kept.delete(key); // its state is unknown
    // OPA's module aborts by throwing plain text, and what it lacks by throwing an object.
    const message = (error as { message?: unknown } | null)?.message ?? error;
    return { error: String(message) };
  }
}

const encoder = new TextEncoder();
parentPort?.on('message', ({ id, inputs, policies }: Question) => {
  const left = { characters: mostSaid.reply };
  const answers = inputs.flatMap((text) => {
    const input = encoder.encode(text).buffer;
    return policies.map((policy) => evaluate(policy, input, left));
  });
  parentPort?.postMessage({ id, answers } satisfies Reply);
});
parentPort?.postMessage({ ready: true } satisfies Ready);
