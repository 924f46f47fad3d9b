/** What a promotion makes of a postmortem, part by part. Numbers are the integers by which the doors know the rows. */
export const partNames = ['article', 'skills', 'blueprint', 'close'] as const;
export type PartName = (typeof partNames)[number];

export type PartAction = 'created' | 'updated';

export interface ArticleOutcome {
  part: 'article';
  id: string;
  number: number;
  action: PartAction;
  workflowKey: string;
}
export interface SkillsOutcome {
  part: 'skills';
  skills: { id: string; number: number; name: string; action: PartAction }[];
}
export interface BlueprintOutcome {
  part: 'blueprint';
  id: string;
  number: number;
  action: PartAction;
  workflowKey: string;
  /** The version that this promotion made. */
  version: number;
}
export interface CloseOutcome {
  part: 'close';
  postmortem: number;
  ticket: number | null;
  status: string;
}
export type PartOutcome = ArticleOutcome | SkillsOutcome | BlueprintOutcome | CloseOutcome;
export type OutcomeOf<P extends PartName> = Extract<PartOutcome, { part: P }>;
