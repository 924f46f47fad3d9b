import { ArticleSchema, BlueprintSchema, PostmortemSchema, SkillSchema } from '../domain/learning.schema';
import { entity } from './entity';

export const postmortems = entity(
  'postmortems',
  PostmortemSchema,
  ['number'],
  ['skillProposals', 'testCases', 'guardrails'],
);
export const articles = entity('articles', ArticleSchema, ['number']);
export const blueprints = entity('blueprints', BlueprintSchema, ['number'], ['steps']);
export const skills = entity('skills', SkillSchema, ['number'], ['parameters']);
