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

/** Made by a command about an earlier one, which its own machine finds: not by the number of that one's event. */
const aboutAnother = /TIMER_CANCELED|CANCEL_REQUESTED/;
const isMarker = ({ eventType }: RecordedEvent): boolean => eventType.endsWith('MARKER_RECORDED');

/** Whether something that came from outside, and was looked at, refers to an event by its number. */
function isReferredTo({ eventId }: RecordedEvent, later: readonly RecordedEvent[]): boolean {
  const refers = new RegExp(`"(?:scheduled|started|initiated)EventId":"${eventId}"`);
  const looked = later.findLastIndex(({ eventType }) => checked.test(eventType));
  return later
    .slice(0, Math.max(0, looked))
    .some((event) => !aboutAnother.test(event.eventType) && refers.test(JSON.stringify(event)));
}

/**
 * A local activity's marker is resolved ahead of its turn, by its own sequence number, and never taken off the queue of
 * commands that the SDK compares with history: it may stand on either side of any other command, by design. Exchanged with
 * one, what is noticed is the number of the other's event: where an answer from outside refers to it, or it ends the
 * workflow. Nothing refers to attributes that were upserted, a timer that did not fire, an activity that nobody began.
 */
function isNoticed(a: RecordedEvent, b: RecordedEvent, later: readonly RecordedEvent[]): boolean {
  const other = [a, b].find((event) => !isMarker(event));
  if (!other || ![a, b].some(isMarker)) return true;
  return other.eventType.endsWith('WORKFLOW_EXECUTION_COMPLETED') || isReferredTo(other, later);
}

/**
 * Neighbours that two different commands of one workflow task made, exchanged: those that a replay notices, or those that
 * it does not. The last task of a history that goes on is left alone: what its commands are held to has not been recorded.
 */
function exchanges({ name, events }: Recorded, noticed: boolean): Reordering[] {
  return events.flatMap((event, at) => {
    const next = events[at + 1];
    if (!next || !commands.has(event.eventType) || !commands.has(next.eventType)) return [];
    if (event.eventType === next.eventType) return [];
    if (!events.slice(at).some(({ eventType }) => checked.test(eventType))) return [];
    if (isNoticed(event, next, events.slice(at + 2)) !== noticed) return [];
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
        isMarker(event) ? before + renamedType(data) : all,
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

/** Each of these is a violation for a replay. */
export const reorderings = (history: Recorded): Reordering[] => [...exchanges(history, true), ...renames(history)];

/** Each of these replays all the same: what is left out above, and nothing that would be noticed. */
export const unnoticed = (history: Recorded): Reordering[] => exchanges(history, false);
