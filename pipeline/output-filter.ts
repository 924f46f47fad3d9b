import { mapText, storableText } from '../domain/storable';

/** Credentials that may stand in what a tool read. Linear patterns: fixed prefixes and bounded runs. */
const secrets: { name: string; pattern: RegExp }[] = [
  { name: 'wheelhouse key', pattern: /\bacp_[A-Za-z0-9_-]{43}/g },
  {
    name: 'private key',
    pattern: /-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[\s\S]{0,8000}?-----END [A-Z ]{0,30}PRIVATE KEY-----/g,
  },
  { name: 'AWS key', pattern: /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g },
  { name: 'GitHub token', pattern: /\bgh[pousr]_[A-Za-z0-9]{36,255}\b/g },
  { name: 'GitLab token', pattern: /\bglpat-[A-Za-z0-9_-]{20,64}/g },
  { name: 'Slack token', pattern: /\bxox[abprs]-[A-Za-z0-9-]{10,200}/g },
  { name: 'JWT', pattern: /\beyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{10,1000}/g },
  { name: 'bearer token', pattern: /\bBearer [A-Za-z0-9._~+/-]{20,2000}=*/g },
  { name: 'password', pattern: /\b(?:password|passwd|secret|api_key|apikey)=(?!\*|<)[^\s&;,"']{4,200}/gi },
];

/** The same JSON with credentials replaced and text made fit for storage; `found` names what was replaced. */
export function filterOutput(value: unknown): { value: unknown; found: string[] } {
  const found = new Set<string>();
  const clean = (text: string): string => {
    let out = storableText(text);
    for (const { name, pattern } of secrets) {
      out = out.replace(pattern, () => {
        found.add(name);
        return `[${name} removed]`;
      });
    }
    return out;
  };
  return { value: mapText(value, clean), found: [...found] };
}
