import { LogAnalysis } from '../../../domain/logs/analysis';
import type { LogReport } from '../../../domain/logs/types';

/** The report on these lines. */
export function analyse(
  lines: readonly string[],
  options: ConstructorParameters<typeof LogAnalysis>[0] = {},
): LogReport {
  const analysis = new LogAnalysis(options);
  for (const line of lines) analysis.add(line);
  return analysis.finish();
}
