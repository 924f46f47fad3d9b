import { runs } from '../generated/open.js';
import { Listing } from '../listing.js';
import type { CallOptions } from '../wire.js';
import { Group, type Answer, type Body, type Filter } from './group.js';
import { offsets } from './offsets.js';

export type Run = Answer<'GET', '/api/agents/{agent_id}'>;
export type RunFilter = Omit<Filter<'/api/agents'>, 'offset'>;
export type ListedRun = Answer<'GET', '/api/agents'>['agents'][number];

/** Agents at work: each is one run of an agent on a ticket. */
export class Runs extends Group {
  protected override readonly open = runs;

  /** Newest first. */
  list(filter: RunFilter = {}, options?: CallOptions): Listing<ListedRun> {
    return new Listing(
      offsets(async (page) => {
        const answer = await this.whole('GET', '/api/agents', { query: { ...filter, ...page } }, options);
        return { items: answer.agents, total: answer.total };
      }, filter.limit),
    );
  }
  get(id: number, options?: CallOptions): Promise<Run> {
    return this.whole('GET', '/api/agents/{agent_id}', { path: { agent_id: id } }, options);
  }
  /** Sets an agent to work on a ticket that is there. */
  start(run: Body<'POST', '/api/agents/spawn'>, options?: CallOptions): Promise<Answer<'POST', '/api/agents/spawn'>> {
    return this.whole('POST', '/api/agents/spawn', { body: run }, options);
  }
  /** Creates a ticket of what is said, and sets an agent to work on it. */
  startFromPrompt(
    prompt: Body<'POST', '/api/agents/create-from-prompt'>,
    options?: CallOptions,
  ): Promise<Answer<'POST', '/api/agents/create-from-prompt'>> {
    return this.whole('POST', '/api/agents/create-from-prompt', { body: prompt }, options);
  }
  /** Tells the agent something: a note on its ticket, which whoever works on that hears before the next step. */
  async steer(
    id: number,
    text: string,
    options?: CallOptions,
  ): Promise<Answer<'POST', '/api/tickets/{ticket_id}/notes'>> {
    const run = await this.get(id, options);
    const body = { body: text, source: 'dashboard' };
    const path = { ticket_id: run.ticketId };
    return this.whole('POST', '/api/tickets/{ticket_id}/notes', { path, body }, options);
  }
  stop(id: number, reason?: string, options?: CallOptions): Promise<Answer<'POST', '/api/agents/{agent_id}/stop'>> {
    const body = reason === undefined ? {} : { reason };
    return this.whole('POST', '/api/agents/{agent_id}/stop', { path: { agent_id: id }, body }, options);
  }
}
