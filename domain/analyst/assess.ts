import type { Claim } from '../harness';
import type { Assessment, Rule } from './assessment';
import type { FileEvidence } from './evidence';
import { authenticationRules } from './rules/authentication';
import { generalRules } from './rules/general';
import { systemRules } from './rules/system';
import { webRules } from './rules/web';

const rules: readonly Rule[] = [...authenticationRules, ...webRules, ...systemRules, ...generalRules];

/** Everything that the rules make of one file. Where answers are missing, so is what would rest on them. */
export function assess(file: FileEvidence): Assessment {
  const all = rules.map((rule) => rule.assess(file));
  return {
    claims: all.flatMap(({ claims }) => claims),
    tables: all.flatMap(({ tables }) => tables),
    searches: [...new Set(all.flatMap(({ searches }) => searches))],
  };
}

/** Best first; equals in the order in which the rules stand. */
export function ranked(claims: readonly Claim[]): Claim[] {
  return claims.filter(({ kind }) => kind === 'hypothesis').sort((a, b) => b.confidence - a.confidence);
}
