import { rows } from './kit';
import { untilHeard } from './until-heard';

/** An alert that somebody is to be told of. `queue`: where outside services are spoken to. */
export interface Notice {
  tenantId: string;
  alertId: string;
  queue: string;
}

/** Tells of an alert until it is heard, or given up after a day. */
export const notifyAlert = ({ tenantId, alertId, queue }: Notice): Promise<void> =>
  untilHeard(
    queue,
    ({ sendAlert }) => sendAlert(tenantId, alertId),
    (why) => rows.alertUndelivered(tenantId, alertId, why),
  );
