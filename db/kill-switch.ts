import type { Actor } from '../domain/principal';
import { micros } from './instant';
import type { Read } from './tx';

export interface KillSwitch {
  engaged: boolean;
  reason: string | null;
  changedBy: Actor;
  changedAt: string;
}
type Row = KillSwitch & Record<string, unknown>;
const columns = `engaged, reason, changed_by as "changedBy", ${micros('changed_at')} as "changedAt"`;

/** Null when nobody ever touched it. */
export async function killSwitchOf(tx: Read): Promise<KillSwitch | null> {
  const { rows } = await tx.query<Row>(`select ${columns} from kill_switches`);
  return rows[0] ?? null;
}

/** Null when it stands so already: then nothing changed, and who set it first remains. */
export async function setKillSwitch(
  tx: Read,
  to: Pick<KillSwitch, 'engaged' | 'reason' | 'changedBy'>,
): Promise<KillSwitch | null> {
  const { rows } = await tx.query<Row>(
    `insert into kill_switches (tenant_id, engaged, reason, changed_by, changed_at)
     select $1, $2, $3, $4, now() where $2 or exists (select from kill_switches)
     on conflict (tenant_id) do update set engaged = $2, reason = $3, changed_by = $4, changed_at = now()
       where kill_switches.engaged <> $2 returning ${columns}`,
    [tx.tenantId, to.engaged, to.reason, to.changedBy],
  );
  return rows[0] ?? null;
}
