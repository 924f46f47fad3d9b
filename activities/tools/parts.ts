import type { PartName } from '../../domain/parts';
import type { WazuhSettings } from '../../config-wazuh';
import { caOf, send } from '../../pipeline/outbound';
import type { Deps } from '../deps';

/** What takes its own time: the beginning of a program, and then its answer. */
export interface Pace {
  begins(): void;
  answers(): void;
}

/**
 * How a part is asked whether it does its work. May say for how many ms it was, where not all of the time was the part's.
 * @throws Error with what is wrong
 */
export type Ask = (signal: AbortSignal, pace: Pace) => Promise<number | undefined>;

/** It answers, but not as it should. */
export class Degraded extends Error {}

/** Any answer of a service over HTTP but a refusal of ours or its own failure. */
const answers =
  (name: string, url: string, headers: Record<string, string>): Ask =>
  async (signal) => {
    const res = await fetch(url, { headers, redirect: 'manual', signal });
    await res.body?.cancel();
    if (res.status === 401 || res.status === 403) throw new Degraded(`${name} does not let us in: HTTP ${res.status}`);
    if (res.status === 429 || res.status >= 500) throw new Degraded(`${name} answered HTTP ${res.status}`);
    return undefined;
  };

const silent = (): undefined => undefined;
const bearer = (secret: string | null): Record<string, string> =>
  secret === null ? {} : { authorization: `Bearer ${secret}` };
const below = (url: string, path: string): string => `${url.replace(/\/+$/, '')}/${path}`;

/** That it answers at all: who we are there is a lease's to say. */
function wazuhAnswers({ manager, indexer, caFile, timeoutMs }: WazuhSettings): Ask {
  const reach = { ca: caOf('WAZUH_CA_FILE', caFile), timeoutMs, longest: 1024 * 1024 };
  const urls = [manager, indexer].flatMap((part) => (part ? [part.url] : []));
  return async (signal) => {
    for (const url of urls) {
      const { status } = await send({ url, method: 'GET', headers: {}, signal }, reach);
      if (status >= 500) throw new Degraded(`Wazuh answered HTTP ${status}`);
    }
    return undefined;
  };
}

/** Those that can be asked; where nothing is configured there is nobody to ask. */
export function asking(deps: Deps): Partial<Record<PartName, Ask>> {
  const { store, temporal, provided, pipeline, settings } = deps;
  const { opsAgentModel: model, credentialProvider, wazuh } = settings;
  return {
    postgres: () => store.pool.query('select 1').then(silent),
    temporal: () => temporal.workflowService.getSystemInfo({}).then(silent),
    // This runs in a worker: that it does is half of the answer, that the policy can be asked the other.
    'built-in': () => {
      pipeline.assertUsable();
      return Promise.resolve(undefined);
    },
    ...(provided && { itop: (signal) => provided.provider.check(signal).then(silent) }),
    ...(wazuh && { wazuh: wazuhAnswers(wazuh) }),
    ...(model && { model: answers('the model', below(model.url, 'models'), bearer(model.key)) }),
    ...(credentialProvider && {
      credentials: answers('the credential provider', credentialProvider.url, bearer(credentialProvider.secret)),
    }),
  };
}
