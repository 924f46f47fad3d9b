import { hostname, userInfo } from 'node:os';
import type { Config } from '../../config';
import { ask, serverOf } from './client';
import { print, printJson, printTable, short, when } from './print';

interface Change {
  id: number;
  status: string;
  risk_level: string;
  action: string;
  target: string;
  reason: string | null;
  command: string | null;
  ticket_id: number | null;
  agent_id: number | null;
  requested_by: string;
  on_behalf_of: string | null;
  requested_at: string;
  expires_at: string;
  approved_by: string | null;
  approved_at: string | null;
  rejected_reason: string | null;
  digest: string | null;
  workflow_url: string | null;
}
interface Approval {
  quorum: string | null;
  can_decide: { name: string }[] | null;
  missing: { need: string; have: number }[];
  votes: { by: string; verdict: string; reason: string | null; at: string }[];
}
export interface ListOptions {
  status: string;
  limit: number;
  json?: boolean;
}

export async function listGates(config: Config, { status, limit, json }: ListOptions): Promise<void> {
  const server = await serverOf(config);
  const query = new URLSearchParams({ limit: String(limit), ...(status !== 'all' && { status }) });
  const { changes, total } = await ask<{ changes: Change[]; total: number }>(
    server,
    'GET',
    `/api/changes?${query.toString()}`,
  );
  if (json) return printJson({ changes, total });
  if (!changes.length) return print(status === 'pending' ? 'Nothing waits for a decision.' : 'None.');
  printTable(
    ['ID', 'STATUS', 'RISK', 'ACTION', 'TARGET', 'TICKET', 'ASKED BY', 'SINCE', 'UNTIL'],
    changes.map((c) => [
      String(c.id), c.status, c.risk_level, short(c.action, 30), short(c.target, 40), short(c.ticket_id), short(c.requested_by, 24),
      when(c.requested_at), when(c.expires_at),
    ]), // prettier-ignore
  );
  if (total > changes.length) print(`${changes.length} of ${total}: --limit shows more.`);
}

export async function showGate(config: Config, id: number, { json }: { json?: boolean }): Promise<void> {
  const server = await serverOf(config);
  const change = await ask<Change>(server, 'GET', `/api/changes/${id}`);
  const { approval } = await ask<{ approval: Approval }>(server, 'GET', `/api/changes/${id}/status`);
  if (json) return printJson({ ...change, approval });
  const said = (value: unknown): string => short(value, 400);
  const rows: [string, string][] = [
    ['status', change.status],
    ['action', said(change.action)],
    ['target', said(change.target)],
    ['command', said(change.command)],
    ['reason', said(change.reason)],
    ['risk', change.risk_level],
    ['asked by', said(change.on_behalf_of === null ? change.requested_by : `${change.requested_by} for ${change.on_behalf_of}`)],
    ['ticket, agent', `${change.ticket_id ?? '–'}, ${change.agent_id ?? '–'}`],
    ['asked at', when(change.requested_at)],
    ['waits until', when(change.expires_at)],
    ['sealed to', change.digest ?? '–'],
    ['decided by', said(change.approved_by)],
    ['who can decide', said(approval.can_decide?.map((p) => p.name).join(', ') ?? 'whoever holds changes:approve, but for who asked')],
    ...(approval.quorum === null ? [] : [['quorum', said(approval.quorum)] as [string, string]]),
    ...approval.missing.map((m): [string, string] => ['still needs', `${said(m.need)} (has ${m.have})`]),
    ...approval.votes.map((v): [string, string] => ['vote', said(`${v.verdict} by ${v.by}${v.reason === null ? '' : `: ${v.reason}`}`)]),
    ['process', change.workflow_url ?? '–'],
  ]; // prettier-ignore
  printTable([], rows);
  if (change.status === 'pending') print(`\nDecide: npx wheelhouse gates approve ${id}   (or reject)`);
}

/** A label beside the principal, which the credential says. */
const label = (): string => `${userInfo().username}@${hostname()}`.slice(0, 100);

interface Decided {
  status: string;
  change_id: number;
  already_approved?: boolean;
  already_voted?: boolean;
  missing?: { need: string; have: number }[];
}

export async function decideGate(
  config: Config,
  verdict: 'approve' | 'reject',
  id: number,
  { reason, json }: { reason?: string; json?: boolean },
): Promise<void> {
  const server = await serverOf(config);
  const decided = await ask<Decided>(server, 'POST', `/api/changes/${id}/${verdict}`, {
    actor: label(),
    ...(reason !== undefined && { reason }),
  });
  if (json) return printJson(decided);
  const again = decided.already_approved || decided.already_voted ? ' already' : '';
  const needs = decided.missing?.map((m) => `${m.need} (has ${m.have})`).join(', ');
  print(`Change ${id} is${again} ${decided.status}${needs ? `; your vote counts, and it needs ${needs}` : ''}.`);
}
