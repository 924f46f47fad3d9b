import { z } from 'zod';
import { BadGateway } from '../../domain/errors';
import { jsonOf, send, type Reach } from '../outbound';
import { basic, type Login } from './login';

export interface AlertQuery {
  ruleId: string | null;
  sourceIp: string | null;
  limit: number;
}
export interface Alert {
  id: string;
  index: string;
  score: number | null;
  source: Record<string, unknown>;
}

const Found = z.object({
  timed_out: z.boolean(),
  hits: z.object({
    total: z.union([z.object({ value: z.int() }).transform((t) => t.value), z.int()]),
    hits: z.array(
      z.object({
        _id: z.string(),
        _index: z.string(),
        _score: z.number().nullish(),
        _source: z.record(z.string(), z.unknown()),
      }),
    ),
  }),
});

/** Where an alert says whom it is about. */
const addresses = ['data.srcip', 'srcip', 'source.ip', 'agent.ip'];

const bodyOf = ({ ruleId, sourceIp, limit }: AlertQuery): string =>
  JSON.stringify({
    size: limit,
    track_total_hits: true,
    sort: [{ timestamp: { order: 'desc', unmapped_type: 'date' } }],
    query: {
      bool: {
        filter: [
          ...(ruleId === null ? [] : [{ term: { 'rule.id': ruleId } }]),
          ...(sourceIp === null
            ? []
            : [
                {
                  bool: {
                    should: addresses.map((field) => ({ term: { [field]: sourceIp } })),
                    minimum_should_match: 1,
                  },
                },
              ]),
        ],
      },
    },
  });

const away = (what: string): BadGateway => new BadGateway(`Wazuh's indexer ${what}`, { reason: 'wazuh_indexer' });

/** Alerts as the indexer has them, newest first. @throws BadGateway when it is away, says no, or answers what it never does */
export const wazuhIndexer =
  (base: string, reach: Reach) =>
  async (
    index: string,
    query: AlertQuery,
    login: Login,
    signal: AbortSignal,
  ): Promise<{ total: number; alerts: Alert[] }> => {
    const asked = {
      method: 'POST',
      url: `${base}/${encodeURIComponent(index)}/_search`,
      headers: { authorization: basic(login), 'content-type': 'application/json' },
      body: bodyOf(query),
      signal,
    };
    const { status, text } = await send(asked, reach).catch((e: unknown) => {
      signal.throwIfAborted();
      throw away(`did not answer: ${e instanceof Error ? e.message : String(e)}`);
    });
    if (status === 401 || status === 403) throw away(`does not let us in: HTTP ${status}`);
    if (status !== 200) throw away(`answered HTTP ${status}`);
    const { data: found } = Found.safeParse(jsonOf(text));
    if (!found) throw away('answered something else than a search does');
    if (found.timed_out) throw away('gave the search up: it took too long there');
    const { total, hits } = found.hits;
    return {
      total,
      alerts: hits
        .slice(0, query.limit)
        .map((h) => ({ id: h._id, index: h._index, score: h._score ?? null, source: h._source })),
    };
  };
