import type { WazuhSettings } from '../../config-wazuh';
import { caOf } from '../outbound';
import { wazuhIndexer } from './indexer';
import { wazuhManager } from './manager';

const megabyte = 1024 * 1024;

/** The parts of the Wazuh that is configured; null for each that is not. @throws Error when the CA file cannot be read */
export function openWazuh(s: WazuhSettings) {
  const reach = { ca: caOf('WAZUH_CA_FILE', s.caFile), timeoutMs: s.timeoutMs };
  return {
    /** The slug of the tenant whose it is. */
    tenant: s.tenant,
    manager: s.manager && {
      login: s.manager.login,
      ...wazuhManager(s.manager.url, { ...reach, longest: megabyte }),
    },
    indexer: s.indexer && {
      login: s.indexer.login,
      index: s.indexer.index,
      search: wazuhIndexer(s.indexer.url, { ...reach, longest: 4 * megabyte }),
    },
  };
}
export type Wazuh = ReturnType<typeof openWazuh>;
