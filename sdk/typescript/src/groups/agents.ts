import { agents } from '../generated/open.js';
import { Listing } from '../listing.js';
import type { CallOptions } from '../wire.js';
import { Group, type Answer, type Body, type Filter } from './group.js';
import { numbered } from './numbered.js';

export type Agent = Answer<'GET', '/v1/agents/{agent_id}'>;
export type AgentFilter = Filter<'/v1/agents'>;
export type ListedAgent = Answer<'GET', '/v1/agents'>[number];
export type NewAgent = Body<'POST', '/v1/agents'>;
export type AgentChange = Body<'PUT', '/v1/agents/{agent_id}'>;

/** The agents of the tenant. */
export class Agents extends Group {
  protected override readonly open = agents;

  /** Newest first. */
  list(filter: AgentFilter = {}, options?: CallOptions): Listing<ListedAgent> {
    return new Listing(
      numbered((page) => this.whole('GET', '/v1/agents', { query: { ...filter, page } }, options), filter.page),
    );
  }
  get(id: string, options?: CallOptions): Promise<Agent> {
    return this.call('GET', '/v1/agents/{agent_id}', { path: { agent_id: id } }, options);
  }
  /** It is active a moment later. @throws ConflictError when another has its name */
  create(agent: NewAgent, options?: CallOptions): Promise<Answer<'POST', '/v1/agents'>> {
    return this.call('POST', '/v1/agents', { body: agent }, options);
  }
  /** Changes what is given; a configuration is merged into the one that stands. */
  update(id: string, change: AgentChange, options?: CallOptions): Promise<Answer<'PUT', '/v1/agents/{agent_id}'>> {
    return this.call('PUT', '/v1/agents/{agent_id}', { path: { agent_id: id }, body: change }, options);
  }
  /** Its runs are ended and its keys open nothing; what it did stays. */
  delete(id: string, options?: CallOptions): Promise<Answer<'DELETE', '/v1/agents/{agent_id}'>> {
    return this.whole('DELETE', '/v1/agents/{agent_id}', { path: { agent_id: id } }, options);
  }
}
