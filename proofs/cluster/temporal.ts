import { findBinary, temporalCli } from '../../cli/binaries';
import { devServer } from '../../cli/dev-server';
import { freePorts } from '../../cli/free-port';
import type { Program } from '../../cli/supervise';
import { productionServer } from '../../bench/production/server';
import { childEnvironment, type Config } from '../../config';
import type { Form } from '../proof';

export interface TemporalServer {
  /** What it keeps its state in, when that is a process of its own: started before it, and never attacked. */
  storage: Program | null;
  program: Program;
  /** Of its gRPC door on loopback; the same after every start. */
  port: number;
}

/** The Temporal server of a form, its state on disk in `folder`, not started yet. */
export async function temporalOf(
  form: Form,
  config: Config,
  folder: string,
  signal: AbortSignal,
): Promise<TemporalServer> {
  const report = (): void => undefined;
  if (form === 'production') {
    const { programs, address } = await productionServer({
      cacheOf: config.dataDir,
      folder: `${folder}/temporal`,
      report,
      signal,
    });
    const [storage, program] = programs;
    return { storage, program, port: Number(address.split(':').at(-1)) };
  }
  const search = { dataDir: config.dataDir, path: childEnvironment({})['PATH'] ?? '', report, signal };
  const cli = await findBinary(temporalCli, search);
  const [grpc = 0, ui = 0] = await freePorts(2);
  return { storage: null, program: devServer(cli, folder, { grpc, ui }).program, port: grpc };
}
