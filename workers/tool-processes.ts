import { Reaper } from '../cli/reaper';
import type { Watcher } from '../pipeline/mcp/child';

/** Ends the process groups of tool servers should this worker die. What does it is begun with the first of them. */
export function watchGroups(): Watcher {
  let reaper: Reaper | null = null;
  return {
    watch: (groupId) => (reaper ??= new Reaper()).watch({ pid: -groupId }, 'SIGTERM'),
    close: () => reaper?.close(),
  };
}
