import type { Config } from '../config';
import { gates } from './gates';

const benches: Record<string, (config: Config, seconds: number) => Promise<void>> = { gates };

/** @throws Error naming the benches there are */
export async function bench(name: string, config: Config, seconds = 10): Promise<void> {
  const run = benches[name];
  if (!run) throw new Error(`there is no bench ${name}; there are: ${Object.keys(benches).join(', ')}`);
  await run(config, seconds);
}
