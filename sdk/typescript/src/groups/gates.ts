import { gates } from '../generated/open.js';
import { Listing } from '../listing.js';
import type { CallOptions } from '../wire.js';
import { Group, type Answer, type Body, type Filter } from './group.js';
import { offsets } from './offsets.js';

export type Gate = Answer<'GET', '/api/changes/{change_id}'>;
export type GateFilter = Omit<Filter<'/api/changes'>, 'offset'>;
export type WaitingGate = Answer<'GET', '/api/changes/pending'>['changes'][number];

/** What waits for people, and their decisions: change requests. */
export class Gates extends Group {
  protected override readonly open = gates;

  /** Newest first. */
  list(filter: GateFilter = {}, options?: CallOptions): Listing<Gate> {
    return new Listing(
      offsets(async (page) => {
        const answer = await this.whole('GET', '/api/changes', { query: { ...filter, ...page } }, options);
        return { items: answer.changes, total: answer.total };
      }, filter.limit),
    );
  }
  /** Those that wait for a decision, oldest first. */
  async pending(options?: CallOptions): Promise<WaitingGate[]> {
    return (await this.whole('GET', '/api/changes/pending', {}, options)).changes;
  }
  get(id: number, options?: CallOptions): Promise<Gate> {
    return this.whole('GET', '/api/changes/{change_id}', { path: { change_id: id } }, options);
  }
  /** How it stands, and who can decide now. */
  status(id: number, options?: CallOptions): Promise<Answer<'GET', '/api/changes/{change_id}/status'>> {
    return this.whole('GET', '/api/changes/{change_id}/status', { path: { change_id: id } }, options);
  }
  /** Asks people to decide on a change. */
  request(
    change: Body<'POST', '/api/changes/request'>,
    options?: CallOptions,
  ): Promise<Answer<'POST', '/api/changes/request'>> {
    return this.whole('POST', '/api/changes/request', { body: change }, options);
  }
  /** With a quorum: votes for it. @throws ConflictError when it was decided otherwise · PermissionError for who may not */
  approve(
    id: number,
    reason?: string,
    options?: CallOptions,
  ): Promise<Answer<'POST', '/api/changes/{change_id}/approve'>> {
    const body = reason === undefined ? {} : { reason };
    return this.whole('POST', '/api/changes/{change_id}/approve', { path: { change_id: id }, body }, options);
  }
  /** With a quorum: votes against it. @throws as approve does */
  reject(
    id: number,
    reason?: string,
    options?: CallOptions,
  ): Promise<Answer<'POST', '/api/changes/{change_id}/reject'>> {
    const body = reason === undefined ? {} : { reason };
    return this.whole('POST', '/api/changes/{change_id}/reject', { path: { change_id: id }, body }, options);
  }
  /** Says what was done of an approved one. */
  complete(
    id: number,
    result: string,
    options?: CallOptions,
  ): Promise<Answer<'POST', '/api/changes/{change_id}/complete'>> {
    return this.whole(
      'POST',
      '/api/changes/{change_id}/complete',
      { path: { change_id: id }, body: { result } },
      options,
    );
  }
}
