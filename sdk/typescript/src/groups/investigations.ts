import { investigations } from '../generated/open.js';
import { Listing } from '../listing.js';
import type { CallOptions } from '../wire.js';
import { Group, type Answer, type Body, type Filter } from './group.js';
import { offsets } from './offsets.js';

export type Investigation = Answer<'GET', '/api/v1/ops-agent/investigations/{investigation_id}'>;
export type InvestigationFilter = Omit<Filter<'/api/v1/ops-agent/investigations'>, 'offset'>;
export type ListedInvestigation = Answer<'GET', '/api/v1/ops-agent/investigations'>['items'][number];
export type Recommendation = Answer<'GET', '/api/v1/ops-agent/worklist/recommendations'>['items'][number];

/** Findings that rest on evidence. */
export class Investigations extends Group {
  protected override readonly open = investigations;

  /** Newest first. */
  list(filter: InvestigationFilter = {}, options?: CallOptions): Listing<ListedInvestigation> {
    return new Listing(
      offsets(
        (page) => this.whole('GET', '/api/v1/ops-agent/investigations', { query: { ...filter, ...page } }, options),
        filter.limit,
      ),
    );
  }
  get(id: string, options?: CallOptions): Promise<Investigation> {
    return this.whole(
      'GET',
      '/api/v1/ops-agent/investigations/{investigation_id}',
      { path: { investigation_id: id } },
      options,
    );
  }
  /** Starts one, of a transaction or of a ticket; it goes on by itself. */
  run(
    subject: Body<'POST', '/api/v1/ops-agent/investigations/run'>,
    options?: CallOptions,
  ): Promise<Answer<'POST', '/api/v1/ops-agent/investigations/run'>> {
    return this.whole('POST', '/api/v1/ops-agent/investigations/run', { body: subject }, options);
  }
  /** Lets one that failed, timed out or was interrupted go on. */
  resume(
    id: string,
    options?: CallOptions,
  ): Promise<Answer<'POST', '/api/v1/ops-agent/investigations/{investigation_id}/resume'>> {
    return this.whole(
      'POST',
      '/api/v1/ops-agent/investigations/{investigation_id}/resume',
      { path: { investigation_id: id } },
      options,
    );
  }
  /** Everything that was recorded of it, as one HTML page. */
  trace(id: string, options?: CallOptions): Promise<string> {
    return this.whole(
      'GET',
      '/api/v1/ops-agent/investigations/{investigation_id}/trace',
      { path: { investigation_id: id } },
      options,
    );
  }
  /** Open recommendations, the most severe and surest first. */
  recommendations(
    filter: Omit<Filter<'/api/v1/ops-agent/worklist/recommendations'>, 'cursor'> = {},
    options?: CallOptions,
  ): Listing<Recommendation> {
    return new Listing(async (at) => {
      const query = typeof at === 'string' ? { ...filter, cursor: at } : filter;
      const answer = await this.whole('GET', '/api/v1/ops-agent/worklist/recommendations', { query }, options);
      return { items: answer.items, total: null, next: answer.nextCursor };
    });
  }
  /** @throws ConflictError when it was decided before */
  decide(
    recommendationId: string,
    decision: Body<'POST', '/api/v1/ops-agent/worklist/recommendations/{recommendation_id}/acknowledge'>,
    options?: CallOptions,
  ): Promise<Answer<'POST', '/api/v1/ops-agent/worklist/recommendations/{recommendation_id}/acknowledge'>> {
    const path = { recommendation_id: recommendationId };
    return this.whole(
      'POST',
      '/api/v1/ops-agent/worklist/recommendations/{recommendation_id}/acknowledge',
      { path, body: decision },
      options,
    );
  }
}
