import type { Recorded, RecordedEvent } from './histories';

/** Events that a workflow's own command made; what comes from outside may come in any order. */
const commands = new Set(
  [
    'MARKER_RECORDED', 'ACTIVITY_TASK_SCHEDULED', 'TIMER_STARTED', 'START_CHILD_WORKFLOW_EXECUTION_INITIATED',
    'SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED', 'UPSERT_WORKFLOW_SEARCH_ATTRIBUTES', 'WORKFLOW_EXECUTION_COMPLETED',
  ].map((type) => `EVENT_TYPE_${type}`),
); // prettier-ignore

const checked = /WORKFLOW_TASK_COMPLETED|WORKFLOW_EXECUTION_COMPLETED/;

export interface Reordering {
  name: string;
  what: string;
  events: RecordedEvent[];
}

/**
 * Of these two no replay tells the order, by the SDK's design: a local activity's marker is looked up ahead of its turn,
 * so it may stand on either side of a timer that starts or of attributes that are upserted without an answer.
 */
const unordered = (a: string, b: string): boolean =>
  [a, b].some((type) => type.endsWith('MARKER_RECORDED')) &&
  [a, b].some((type) => /TIMER_STARTED|UPSERT_WORKFLOW_SEARCH_ATTRIBUTES/.test(type));

/**
 * What can be exchanged: neighbours that two different commands of one workflow task made. The last task of a history
 * that goes on is left alone: what its commands are held to has not been recorded.
 */
function exchanges({ name, events }: Recorded): Reordering[] {
  return events.flatMap((event, at) => {
    const next = events[at + 1];
    if (!next || !commands.has(event.eventType) || !commands.has(next.eventType)) return [];
    if (event.eventType === next.eventType || unordered(event.eventType, next.eventType)) return [];
    if (!events.slice(at).some(({ eventType }) => checked.test(eventType))) return [];
    const { eventId: first, ...one } = event;
    const { eventId: second, ...other } = next;
    const swapped = [
      { eventId: first, ...other },
      { eventId: second, ...one },
    ] as RecordedEvent[];
    const what = `events ${first} and ${second} (${one.eventType}, ${other.eventType}) exchanged`;
    return [{ name, what, events: [...events.slice(0, at), ...swapped, ...events.slice(at + 2)] }];
  });
}

/** What can be renamed: activities and children, by their type; a local activity has its own in its marker. */
function renames({ name, events }: Recorded): Reordering[] {
  return events.flatMap((event, at) => {
    const text = JSON.stringify(event);
    const renamed = text
      .replace(/"(activityType|workflowType)":\{"name":"\w+"\}/, '"$1":{"name":"another"}')
      .replace(/("data":\{"payloads":\[\{[^\]]*?"data":")([A-Za-z0-9+/=]+)/, (all, before: string, data: string) =>
        event.eventType.endsWith('MARKER_RECORDED') ? before + renamedType(data) : all,
      );
    if (!commands.has(event.eventType) || renamed === text) return [];
    const what = `event ${event.eventId} (${event.eventType}) renamed`;
    return [
      { name, what, events: [...events.slice(0, at), JSON.parse(renamed) as RecordedEvent, ...events.slice(at + 1)] },
    ];
  });
}

const renamedType = (data: string): string =>
  Buffer.from(
    Buffer.from(data, 'base64')
      .toString()
      .replace(/"activity_type":"\w+"/, '"activity_type":"another"'),
  ).toString('base64');

export const reorderings = (history: Recorded): Reordering[] => [...exchanges(history), ...renames(history)];
