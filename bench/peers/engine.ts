import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { childEnvironment, root } from '../../config';
import type { Setup, Throughput } from './peer';
import type { Answer, Ask } from './process';

/** How much longer than it was asked to measure an engine may take (ms): one that retries for ever never answers. */
const patienceMs = 60_000;

/** An engine in a process of its own, which its callers share. */
export interface Engine {
  throughput(callers: number, seconds: number): Promise<Throughput>;
  latency(count: number): Promise<number>;
}

/** The name is the process's as well: processor time is counted by it. */
export async function withEngine<T>(
  { name, module, setup }: { name: string; module: string; setup: Setup },
  work: (engine: Engine) => Promise<T>,
): Promise<T> {
  const child = spawn(process.execPath, [join(root, 'dist/bench/peers/process.js'), module, name], {
    // No usage reports, no traces to anybody's service.
    env: childEnvironment({ LANGSMITH_TRACING: 'false', LANGCHAIN_TRACING_V2: 'false', NODE_ENV: 'production' }),
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit');
  const failed = ended.then(([code]) => Promise.reject(new Error(`${name} ended with ${String(code)}`)));
  failed.catch(() => undefined); // whoever asks is told
  const ask = async (asked: Ask): Promise<unknown> => {
    child.send(asked);
    const signal = AbortSignal.timeout(patienceMs + ('seconds' in asked ? asked.seconds * 1000 : 0));
    const [answer] = (await Promise.race([once(child, 'message', { signal }), failed])) as [Answer];
    if ('failed' in answer) throw new Error(`${name}: ${answer.failed}`);
    return answer.found;
  };
  try {
    await ask({ ask: 'start', setup });
    const result = await work({
      throughput: async (callers, seconds) => (await ask({ ask: 'throughput', callers, seconds })) as Throughput,
      latency: async (count) => (await ask({ ask: 'latency', count })) as number,
    });
    await ask({ ask: 'stop' });
    return result;
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}
