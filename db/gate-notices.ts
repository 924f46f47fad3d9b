import { v5 } from 'uuid';
import { z } from 'zod';
import { InstantSchema } from '../domain/common.schema';
import {
  noticeEvents,
  noticePayload,
  noticeStates,
  toldOf,
  type GateNotice,
  type NoticeEvent,
} from '../domain/gate-notice';
import { entity } from './entity';
import { callsMade } from './gate-votes';
import { gates } from './gates';
import { notificationsIn } from './notifications';
import { prepared } from './prepared';
import type { Read } from './tx';

const Row = z.object({
  id: z.uuid(),
  tenantId: z.uuid(),
  gateId: z.uuid(),
  groupId: z.uuid(),
  event: z.enum(noticeEvents),
  n: z.int(),
  payload: z.string(),
  notification: z.enum(noticeStates),
  notifyAttempts: z.int(),
  notifyError: z.string().nullable(),
  notifiedAt: InstantSchema.nullable(),
  createdAt: InstantSchema,
}) satisfies z.ZodType<GateNotice>;
export const gateNotices = entity('gate_notices', Row, ['createdAt']);
export const noticesIn = notificationsIn('gate_notices');

/** Whether there is a group that wants to be told of anything. */
export async function anybodyTold(tx: Read): Promise<boolean> {
  const { rowCount } = await prepared(
    tx,
    'select from raci_groups where enabled and notify_channel is not null limit 1',
    [],
  );
  return rowCount === 1;
}

/**
 * The messages that something about a change comes to, one a group that is asked and says where it hears; a repeat finds
 * them. Of a change that is decided there are none any more. `canDecide`: as the log says.
 */
export async function openNotices(
  tx: Read,
  of: { gateId: string; event: NoticeEvent; n: number; canDecide: string[] | null },
): Promise<string[]> {
  const { gateId, event, n, canDecide } = of;
  const gate = await gates.byId(tx, gateId);
  if (gate?.status !== 'pending') return [];
  const { rows: groups } = await prepared<{ id: string; name: string }>(
    tx,
    `select id, name from raci_groups where enabled and notify_channel is not null and lower(name) = any($1)`,
    [toldOf(gate, event).map((name) => name.toLowerCase())],
  );
  const calls = groups.length && event !== 'gate.requested' ? await callsMade(tx, gateId) : [];
  const kind = event === 'gate.reminded' ? 'remind' : 'escalate';
  const at = calls.find((c) => c.kind === kind && c.n === n)?.at ?? gate.requestedAt;
  const ids: string[] = [];
  for (const group of groups) {
    const id = v5(`${event}:${n}:${group.id}`, gateId);
    const payload = noticePayload(gate, { event, n, group: group.name, at, canDecide });
    await gateNotices.insert(tx, {
      id, tenantId: tx.tenantId, gateId, groupId: group.id, event, n, payload, notification: 'pending', notifyAttempts: 0,
      notifyError: null, notifiedAt: null, createdAt: at,
    }); // prettier-ignore
    ids.push(id);
  }
  return ids;
}

/** Where a message goes, and what it is signed with, sealed; null: its group is to be told no more. */
export async function channelOf(tx: Read, groupId: string): Promise<{ url: string; sealed: Buffer } | null> {
  const { rows } = await prepared<{ url: string; sealed: Buffer }>(
    tx,
    `select notify_channel as url, secret_sealed as sealed from raci_groups
     where id = $1 and enabled and notify_channel is not null and secret_sealed is not null`,
    [groupId],
  );
  return rows[0] ?? null;
}

/** The change was decided before anybody heard of it. */
export async function makeMoot(tx: Read, id: string): Promise<boolean> {
  const { rowCount } = await prepared(
    tx,
    `update gate_notices set notification = 'moot' where id = $1 and notification = 'pending'`,
    [id],
  );
  return rowCount === 1;
}

/** Of a change, oldest first, each with the name of its group. */
export async function noticesOf(tx: Read, gateId: string): Promise<(GateNotice & { group: string })[]> {
  const { rows } = await prepared<{ group: string }>(
    tx,
    `select ${gateNotices.columns('m')}, g.name as "group" from gate_notices m join raci_groups g on g.id = m.group_id
     where m.gate_id = $1 order by m.created_at, m.n, g.name`,
    [gateId],
  );
  return rows.map((r) => ({ ...gateNotices.parse(r), group: r.group }));
}
