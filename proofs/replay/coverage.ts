import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { bundleWorkflowCode, Worker, type InjectedSinks } from '@temporalio/worker';
import type { History } from '@temporalio/common/lib/proto-utils';
import { root } from '../../config';
import type { CoverageSinks } from './report';

interface Place {
  start: { line: number; column: number };
}
/** As istanbul counts: a branch has as many counts as it has ways. */
interface FileCounts {
  b: Record<string, number[]>;
  branchMap: Record<string, { type: string; loc: Place; locations: Partial<Place>[] }>;
}

export interface Coverage {
  branches: number;
  /** File, line and way of a branch that no history takes, `kit.ts | if (…) … | if 2`: stays while lines move. */
  uncovered: string[];
  /** What could not be replayed at all, and why. */
  failed: string[];
}

const folder = join(root, 'workflows');

/** The workflows as one bundle that counts its branches. */
async function instrumentedBundle(): Promise<{ code: string }> {
  const quiet = (): void => undefined;
  return bundleWorkflowCode({
    workflowsPath: join(folder, 'index.ts'),
    workflowInterceptorModules: [join(root, 'proofs/replay/report.ts')],
    logger: { log: quiet, trace: quiet, debug: quiet, info: quiet, warn: console.warn, error: console.error },
    webpackConfigHook: (config) => {
      config.module?.rules?.push({
        test: /\.ts$/,
        include: folder,
        enforce: 'pre',
        use: [join(root, 'proofs/replay/instrument.cjs')],
      });
      return config;
    },
  });
}

/** Replays all of them, and says which branches of workflows/ none of them took. */
export async function cover(histories: { workflowId: string; history: History }[]): Promise<Coverage> {
  const seen = new Map<string, FileCounts>();
  const sinks: InjectedSinks<CoverageSinks> = {
    coverage: { report: { fn: (_info, counts) => add(seen, counts), callDuringReplay: true } },
  };
  const failed: string[] = [];
  const workflowBundle = await instrumentedBundle();
  for await (const { workflowId, error } of Worker.runReplayHistories({ workflowBundle, sinks }, histories))
    if (error) failed.push(`${workflowId}: ${error.message}`);
  let branches = 0;
  const uncovered: string[] = [];
  for (const [path, { b, branchMap }] of seen) {
    const lines = readFileSync(path, 'utf8').split('\n');
    for (const [id, { type, loc, locations }] of Object.entries(branchMap)) {
      for (const [way] of locations.entries()) {
        branches += 1;
        const { line } = locations[way]?.start?.line ? (locations[way] as Place).start : loc.start;
        if (!b[id]?.[way])
          uncovered.push(`${relative(folder, path)} | ${lines[line - 1]?.trim()} | ${type} ${way + 1}`);
      }
    }
  }
  return { branches, uncovered, failed };
}

/** Counts may be of one workflow or of all before it as well: what counts is whether there was one. */
function add(seen: Map<string, FileCounts>, counts: string): void {
  for (const [path, file] of Object.entries(JSON.parse(counts) as Record<string, FileCounts>)) {
    const all = seen.get(path);
    if (!all) seen.set(path, file);
    else for (const [id, ways] of Object.entries(file.b)) all.b[id] = ways.map((n, way) => n + (all.b[id]?.[way] ?? 0));
  }
}
