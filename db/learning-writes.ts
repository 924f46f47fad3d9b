import type { Article, Blueprint, Skill } from '../domain/learning';
import { articles, blueprints, skills } from './learning';
import type { Read } from './tx';

// Rows that are held by whoever writes them; each change of an article or a skill is a version of its own, kept by triggers.

/** The next version of an article. */
export async function saveArticle(tx: Read, a: Article): Promise<Article> {
  const { rows } = await tx.query(
    `update articles set title = $2, body = $3, category = $4, tags = $5, enabled = $6, external_ref = $7, changed_by = $8,
       version = version + 1, updated_at = now()
     where id = $1 returning ${articles.columns()}`,
    [a.id, a.title, a.body, a.category, a.tags, a.enabled, a.externalRef, a.changedBy],
  );
  return articles.parse(rows[0]);
}

/** A skill as it stands from now on, with the version that it says is in use. */
export async function saveSkill(tx: Read, s: Skill): Promise<Skill> {
  const { rows } = await tx.query(
    `update skills set name = $2, description = $3, category = $4, prompt_template = $5, parameters = $6, enabled = $7,
       assigned_to_all = $8, version = $9, latest_version = $10, candidate_version = $11, changed_by = $12,
       deleted_at = case when $13 then now() end, updated_at = now()
     where id = $1 returning ${skills.columns()}`,
    [
      s.id, s.name, s.description, s.category, s.promptTemplate, JSON.stringify(s.parameters), s.enabled, s.assignedToAll, s.version,
      s.latestVersion, s.candidateVersion, s.changedBy, s.deletedAt !== null,
    ], // prettier-ignore
  );
  return skills.parse(rows[0]);
}
/** A blueprint as it stands from now on; its status and review change without a new version. */
export async function saveBlueprint(tx: Read, b: Blueprint): Promise<Blueprint> {
  const { rows } = await tx.query(
    `update blueprints set name = $2, workflow_key = $3, version = $4, status = $5, description = $6, ticket_class = $7,
       trigger_type = $8, blueprint = $9, test_plan = $10, test_results = $11, approval_policy = $12, skill_ids = $13,
       reviewed_by = $14, reviewed_at = $15, review_notes = $16, steps = $17, updated_at = now()
     where id = $1 returning ${blueprints.columns()}`,
    [
      b.id, b.name, b.workflowKey, b.version, b.status, b.description, b.ticketClass, b.triggerType, b.blueprint, b.testPlan,
      b.testResults, b.approvalPolicy, b.skillIds, b.reviewedBy, b.reviewedAt, b.reviewNotes,
      JSON.stringify(b.steps),
    ], // prettier-ignore
  );
  return blueprints.parse(rows[0]);
}
