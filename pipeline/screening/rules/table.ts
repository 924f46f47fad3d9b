import type { Rule } from '../rule';
import { actionRules } from './actions';
import { commandRules } from './commands';
import { disclosureRules } from './disclosure';
import { exhaustionRules } from './exhaustion';
import { infrastructureRules } from './infrastructure';
import { languageRules } from './languages';
import { networkRules } from './network';
import { orderRules } from './orders';
import { pathRules } from './paths';
import { promptRules } from './prompt';
import { sqlRules } from './sql';

/** Every rule, as one table. */
export const rules: readonly Rule[] = [
  ...promptRules,
  ...orderRules,
  ...languageRules,
  ...disclosureRules,
  ...exhaustionRules,
  ...sqlRules,
  ...commandRules,
  ...infrastructureRules,
  ...pathRules,
  ...networkRules,
  ...actionRules,
];
