import type { Decision, Reason } from './call';
import { filterOutput } from './output-filter';
import { screenResult } from './screening/results';

/** What a caller gets of what a tool answered, and what is recorded of it. */
export interface JudgedResult {
  value: unknown;
  decision: Decision;
  reasons: Reason[];
  findings: string[];
}

const withheld = '[withheld: this text tells whoever reads it what to do]';

const without = (value: unknown, texts: ReadonlySet<string>): unknown => {
  if (typeof value === 'string') return texts.has(value) ? withheld : value;
  if (Array.isArray(value)) return value.map((v) => without(v, texts));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, without(v, texts)]));
};

/**
 * The last look at an answer. Credentials are taken out of any. Text that gives orders to its reader is recorded, and withheld
 * where it comes from elsewhere: what we keep ourselves (tickets, logs) people have to be able to read. Data about many
 * people is recorded. What is recorded is watched.
 * @param outside whether the answer is somebody else's: of a tool server, or of an address
 */
export function judgeResult(result: unknown, outside: boolean, decided: Decision): JudgedResult {
  const { value, found } = filterOutput(result);
  const reasons: Reason[] = found.map((name) => ({ code: 'secret_removed', message: name }));
  const findings: string[] = found.length > 0 ? ['secret_in_result'] : [];
  const { people, instructions } = screenResult(value);
  if (instructions.length > 0) {
    findings.unshift('prompt_injection_detected', 'injection_in_result');
    const message = `${instructions.length} texts of the answer tell whoever reads them what to do`;
    reasons.push({ code: outside ? 'text_withheld' : 'injection_in_result', message });
  }
  if (people !== null) {
    findings.push('personal_data_in_result');
    reasons.push({ code: 'personal_data_in_result', message: `${people} personal numbers and addresses` });
  }
  const watched = instructions.length > 0 || people !== null;
  return {
    value: outside && instructions.length > 0 ? without(value, new Set(instructions)) : value,
    decision: watched && decided === 'allow' ? 'monitor' : decided,
    reasons,
    findings,
  };
}
