import { tasks } from '../generated/open.js';
import { Listing } from '../listing.js';
import { watch, type Watch, type WatchOptions } from '../watch.js';
import type { CallOptions } from '../wire.js';
import { Group, type Answer, type Body, type Filter } from './group.js';
import { numbered } from './numbered.js';

export type Task = Answer<'GET', '/v1/tasks/{task_id}'>;
export type TaskFilter = Filter<'/v1/tasks'>;
export type ListedTask = Answer<'GET', '/v1/tasks'>[number];
export type NewTask = Body<'POST', '/v1/tasks'>;

/** Work for agents. */
export class Tasks extends Group {
  protected override readonly open = tasks;

  /** Newest first. */
  list(filter: TaskFilter = {}, options?: CallOptions): Listing<ListedTask> {
    return new Listing(
      numbered((page) => this.whole('GET', '/v1/tasks', { query: { ...filter, page } }, options), filter.page),
    );
  }
  get(id: string, options?: CallOptions): Promise<Task> {
    return this.call('GET', '/v1/tasks/{task_id}', { path: { task_id: id } }, options);
  }
  /** It begins when its turn comes. */
  create(task: NewTask, options?: CallOptions): Promise<Answer<'POST', '/v1/tasks'>> {
    return this.call('POST', '/v1/tasks', { body: task }, options);
  }
  /**
   * Tells how a task is: now, at each change, and at its end, after which nothing more comes. Over a WebSocket where there is
   * one, and by asking where there is none.
   */
  watch(id: string, callback: (task: Task) => void, options?: WatchOptions): Watch<Task> {
    return watch(this.connection, (signal) => this.get(id, { signal }), callback, options);
  }
}
