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
