import { join } from 'node:path';
import type { Logger } from 'pino';
import { lockSlug, unkeptSites, type Unkept } from '../../db/deployments';
import { system } from '../../domain/principal';
import type { FileStore } from '../../log/files';
import type { Store } from '../../log/store';
import { show, withSite } from './publish';
import { treeFiles } from './tree';

interface From {
  store: Store;
  files: FileStore;
  dataDir: string;
}

/** Makes it the first deployment of its address. False: another was published there meanwhile. */
const bringOver = ({ store, files, dataDir }: From, tenantId: string, { slug, runId, ticketId }: Unkept) =>
  withSite(
    files,
    { tenantId, slug, runId, ticketId, agentId: null, actor: system, effect: 'brought-over' },
    treeFiles({ root: join(dataDir, 'published'), dir: slug }),
    (site) =>
      store.write(tenantId, async (tx) => {
        await lockSlug(tx, slug);
        if (!(await unkeptSites(tx)).some((s) => s.slug === slug)) return false;
        await show(tx, site);
        return true;
      }),
  );

/**
 * Sites that were published before deployments were kept stand as folders, `<dataDir>/published/<slug>/`: each becomes a
 * deployment of its address, and is seen again. One that cannot be read keeps none of the others back: it is told of, and
 * tried again when a worker next starts. Gives how many were brought over.
 */
export async function bringSitesOver(from: From, logger: Logger, signal: AbortSignal): Promise<number> {
  let brought = 0;
  try {
    for (const tenantId of await from.store.tenants()) {
      for (const site of await from.store.read(tenantId, unkeptSites)) {
        if (signal.aborted) return brought;
        try {
          if (await bringOver(from, tenantId, site)) brought += 1;
        } catch (err) {
          logger.error(
            { err, tenantId, slug: site.slug },
            'a site that was published before is not seen: it could not be brought over',
          );
        }
      }
    }
  } catch (err) {
    logger.error({ err }, 'sites that were published before could not be looked for: start a worker again');
  }
  if (brought > 0) logger.info({ brought }, 'sites that were published before are deployments now');
  return brought;
}
