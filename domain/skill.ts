import { Invalid } from './errors';
import type { Skill, SkillParameter } from './learning';

const placeholder = /\{([A-Za-z_][A-Za-z0-9_]{0,63})\}/g;

/** The names that a template has places for, each once, in order. */
export const placesOf = (template: string): string[] => [
  ...new Set([...template.matchAll(placeholder)].map(([, name = '']) => name)),
];

/** What a template's places stand for: as declared, and those that nobody declared by their name. */
export const parametersOf = ({ promptTemplate, parameters }: Pick<Skill, 'promptTemplate' | 'parameters'>) =>
  placesOf(promptTemplate).map(
    (name): SkillParameter =>
      parameters.find((p) => p.name === name) ?? { name, description: '', required: false, default: null },
  );

/** @throws Invalid for a parameter that the template has no place for, or that is declared twice */
export function assertPlaced({ promptTemplate, parameters }: Pick<Skill, 'promptTemplate' | 'parameters'>): void {
  const places = placesOf(promptTemplate);
  const lost = parameters.find(
    (p, i) => !places.includes(p.name) || parameters.findIndex((q) => q.name === p.name) < i,
  );
  if (!lost) return;
  const twice = places.includes(lost.name) ? 'is declared twice' : `has no place {${lost.name}} in prompt_template`;
  throw new Invalid(`parameters: ${lost.name} ${twice}`, { field: 'parameters' });
}

/** The template as somebody reads it who is given no values but these; a place without one takes its default, or stays. */
export function readable(
  skill: Pick<Skill, 'promptTemplate' | 'parameters'>,
  values: Readonly<Record<string, string>>,
): string {
  const defaults = new Map(skill.parameters.map((p) => [p.name, p.default]));
  return skill.promptTemplate.replace(placeholder, (place, name: string) =>
    Object.hasOwn(values, name) ? (values[name] ?? place) : (defaults.get(name) ?? place),
  );
}

/**
 * The template with its values in place; a place without one takes its default, or stays as it is. Values are put in as they
 * are: a place inside of one is text. @throws Invalid naming a required parameter that is missing
 */
export function render(
  skill: Pick<Skill, 'promptTemplate' | 'parameters'>,
  values: Readonly<Record<string, unknown>>,
): string {
  const given = (name: string): string | null => {
    const value = Object.hasOwn(values, name) ? values[name] : null;
    if (value === null || value === undefined) return null;
    return typeof value === 'string' ? value : JSON.stringify(value);
  };
  const declared = new Map(skill.parameters.map((p) => [p.name, p]));
  const missing = skill.parameters.find((p) => p.required && p.default === null && given(p.name) === null);
  if (missing) {
    throw new Invalid(`${missing.name}: this skill needs it${missing.description && `: ${missing.description}`}`, {
      field: missing.name,
    });
  }
  return skill.promptTemplate.replace(
    placeholder,
    (place, name: string) => given(name) ?? declared.get(name)?.default ?? place,
  );
}

/** What a promotion made and nobody has taken up: of its category, and assigned to none. */
export const isCandidate = (skill: Pick<Skill, 'category' | 'assignedToAll'>, assigned: number): boolean =>
  skill.category === 'postmortem' && !skill.assignedToAll && assigned === 0;
