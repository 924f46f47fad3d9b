import { rows } from './kit';
import { untilHeard } from './until-heard';

/** A change that a group is to be told of. `queue`: where outside services are spoken to. */
export interface GateNoticeInput {
  tenantId: string;
  noticeId: string;
  queue: string;
}

/** Tells a group of a change until it is heard, the change is decided, or it is given up after a day. */
export const notifyGate = ({ tenantId, noticeId, queue }: GateNoticeInput): Promise<void> =>
  untilHeard(
    queue,
    ({ sendGateNotice }) => sendGateNotice(tenantId, noticeId),
    (why) => rows.gateUnnoticed(tenantId, noticeId, why),
  );
