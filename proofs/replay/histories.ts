import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../config';

/** An event as the JSON of a history has it; what it says is under one key, `<type>EventAttributes`. */
export interface RecordedEvent {
  eventId: string;
  eventType: string;
  [attributes: string]: unknown;
}
export interface Recorded {
  /** `<workflow>.<what it shows>` */
  name: string;
  /** The workflow's type. */
  kind: string;
  events: RecordedEvent[];
}

const folder = join(root, 'test/replay/histories');

export const recorded = (): Recorded[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => {
      const { events } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Pick<Recorded, 'events'>;
      return { name: file.replace(/\.json$/, ''), kind: file.split('.')[0] ?? '', events };
    });
