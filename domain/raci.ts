import type { AccessRaci } from './access';

/** A row of the RACI matrix. */
export interface RaciRule {
  id: string;
  tenantId: string;
  /** The integer of the doors. */
  number: number;
  name: string;
  intent: string;
  keywords: string[];
  ticketClass: string;
  priority: string;
  assignmentGroup: string;
  responsible: string;
  accountable: string;
  consulted: string[];
  informed: string[];
  approvalRequired: boolean;
  approvalAction: string | null;
  riskLevel: string;
  knowledgeTags: string[];
  /** An agent is set to work on what matches, at once. */
  autoAssignAgent: boolean;
  autoAgentModel: string | null;
  autoAgentPrompt: string | null;
  enabled: boolean;
  createdAt: string;
  updatedAt: string;
}

/** What a rule is compared with. */
export interface Scored {
  title: string;
  description: string;
  ticketClass: string;
  assigneeTeam: string | null;
}

const words = (text: string): string => ` ${text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, ' ').trim()} `; // prettier-ignore

/**
 * How well a rule fits a ticket: 4 for its group as the team, for each keyword that the ticket holds, as whole words, as many
 * points as that has words; and 3 for its class, when any of those hit. 0: it does not fit.
 */
export function scoreOf(rule: Pick<RaciRule, 'keywords' | 'ticketClass' | 'assignmentGroup'>, of: Scored): number {
  const text = words([of.title, of.description, of.ticketClass, of.assigneeTeam ?? ''].join(' '));
  const team = of.assigneeTeam !== null && words(of.assigneeTeam) === words(rule.assignmentGroup) ? 4 : 0;
  const hits = rule.keywords
    .map(words)
    .filter((keyword) => keyword.trim() !== '' && text.includes(keyword))
    .reduce((sum, keyword) => sum + keyword.trim().split(' ').length, 0);
  if (team + hits === 0) return 0;
  return team + hits + (rule.ticketClass.toLowerCase() === of.ticketClass.toLowerCase() ? 3 : 0);
}

/** The rule that fits best, of equals the first; null when none does. */
export function bestOf<R extends Pick<RaciRule, 'keywords' | 'ticketClass' | 'assignmentGroup' | 'number'>>(
  rules: readonly R[],
  of: Scored,
): { rule: R; score: number } | null {
  const [best] = rules
    .map((rule) => ({ rule, score: scoreOf(rule, of) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score || a.rule.number - b.rule.number);
  return best ?? null;
}

const isAboutAccess = ({ intent, name }: Pick<RaciRule, 'intent' | 'name'>): boolean =>
  /^access(-|$)/i.test(intent) || /\baccess\b/i.test(name);

/**
 * Who decides on an access: the group that is named, else that of the row about access that fits best, else the one that
 * looks after identities. Who else has a part in it is what the row of that group says.
 */
export function accessOwner(
  rules: readonly RaciRule[],
  of: { resource: string; permission: string; reason: string | null; group: string | null; requester: string },
): { assignmentGroup: string; raci: AccessRaci } {
  const best = bestOf(
    rules.filter((r) => isAboutAccess(r) && (of.group === null || words(r.assignmentGroup) === words(of.group))),
    {
      title: of.resource,
      description: `${of.permission} ${of.reason ?? ''}`,
      ticketClass: 'UserRequest',
      assigneeTeam: of.group,
    },
  )?.rule;
  const assignmentGroup = of.group ?? best?.assignmentGroup ?? 'Identity & Access';
  return {
    assignmentGroup,
    raci: {
      rule: best?.number ?? null,
      responsible: best?.responsible ?? assignmentGroup,
      accountable: best?.accountable ?? 'Data Owner',
      consulted: best?.consulted ?? [],
      informed: best?.informed ?? [of.requester],
    },
  };
}
