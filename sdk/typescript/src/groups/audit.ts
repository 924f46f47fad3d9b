import { audit } from '../generated/open.js';
import { Listing } from '../listing.js';
import type { CallOptions } from '../wire.js';
import { Group, type Answer, type Body, type Filter } from './group.js';
import { offsets } from './offsets.js';

export type LogEntry = Answer<'GET', '/audit/logs'>['items'][number];
export type LogFilter = Omit<Filter<'/audit/logs'>, 'offset'>;
export type LogSearch = Omit<Body<'POST', '/audit/logs/search'>, 'offset'>;

/** What happened, provably. */
export class Audit extends Group {
  protected override readonly open = audit;

  /** Newest first. */
  list(filter: LogFilter = {}, options?: CallOptions): Listing<LogEntry> {
    return new Listing(
      offsets((page) => this.call('GET', '/audit/logs', { query: { ...filter, ...page } }, options), filter.limit),
    );
  }
  /** The same, by what its metadata holds as well. */
  search(search: LogSearch = {}, options?: CallOptions): Listing<LogEntry> {
    return new Listing(
      offsets(
        (page) => this.call('POST', '/audit/logs/search', { body: { ...search, ...page } }, options),
        search.limit,
      ),
    );
  }
  /** Recomputes the whole log; a broken chain is an answer too. Keep its `head`, and give it the next time. */
  verify(head?: string, options?: CallOptions): Promise<Answer<'GET', '/audit/logs/verify'>> {
    return this.call('GET', '/audit/logs/verify', { query: { head } }, options);
  }
  /** The receipt of an execution, as it was signed; its names are the wire's, for they are part of what was signed. */
  receipt(executionId: string, options?: CallOptions): Promise<Answer<'GET', '/receipts/{execution_id}'>> {
    return this.call('GET', '/receipts/{execution_id}', { path: { execution_id: executionId } }, options);
  }
}
