/** ATT&CK's tactic of each technique that a signal names, by the technique without its part. */
const tactics: Record<string, string> = {
  T1190: 'Initial Access', T1133: 'Initial Access', T1566: 'Initial Access',
  T1059: 'Execution', T1610: 'Execution',
  T1098: 'Persistence', T1136: 'Persistence', T1543: 'Persistence',
  T1078: 'Privilege Escalation',
  T1070: 'Defense Evasion', T1562: 'Defense Evasion',
  T1552: 'Credential Access', T1555: 'Credential Access',
  T1083: 'Discovery', T1087: 'Discovery',
  T1213: 'Collection', T1530: 'Collection', T1560: 'Collection',
  T1071: 'Command and Control',
  T1020: 'Exfiltration', T1029: 'Exfiltration', T1567: 'Exfiltration',
  T1485: 'Impact', T1496: 'Impact', T1499: 'Impact', T1565: 'Impact', T1657: 'Impact',
  'AML.T0051': 'Prompt Injection', 'AML.T0054': 'Jailbreak', 'AML.T0056': 'Extraction', 'AML.T0024': 'Exfiltration',
}; // prettier-ignore

const severities: readonly (readonly [from: number, severity: string])[] = [
  [90, 'CRITICAL'],
  [70, 'HIGH'],
  [40, 'MEDIUM'],
  [0, 'LOW'],
];

/** What a signal's technique is, as an analyst files it; `score` 0..100. */
export function attackOf(technique: string, score: number, objective: string) {
  const [whole = technique] = /^(?:AML\.)?T\d+/.exec(technique) ?? [];
  return {
    tactic: tactics[whole] ?? 'unknown',
    technique,
    objective,
    severity: severities.find(([from]) => score >= from)?.[1] ?? 'LOW',
  };
}
