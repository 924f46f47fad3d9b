/**
 * Credentials in texts that people read: notes, messages, reports, prompts. These patterns look at the text as it is
 * written, because the case of a token is part of it. A word like `password` alone is none.
 */
const tokens: readonly RegExp[] = [
  /-----BEGIN (?:[A-Z]{2,10} ){0,3}PRIVATE KEY/,
  /\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}\b/,
  /\bgh[pousr]_[A-Za-z0-9]{36,255}\b|\bgithub_pat_\w{22,255}\b|\bglpat-[\w-]{20,64}\b/,
  /\bxox[abeprs]-[\w-]{10,255}|\bhooks\.slack\.com\/services\/\w{8,}/,
  /\bsk-(?:proj-|ant-)?[\w-]{20,255}|\b[rs]k_live_\w{16,255}|\bacp_[\w-]{43}\b/,
  /\bAIza[\w-]{35}\b|\bya29\.[\w-]{20,255}|\bSG\.[\w-]{16,64}\.[\w-]{16,64}|\bnpm_\w{36}\b|\bhvs\.[\w-]{24,255}|\bdop_v1_[0-9a-f]{64}\b/,
  /\beyJ[\w-]{10,2048}\.eyJ[\w-]{10,4096}\.[\w-]{16,1024}/,
  /\b(?:postgres(?:ql)?|mysql|mongodb(?:\+srv)?|redis|amqps?|https?|ftp):\/\/[^\s:@/]{1,64}:[^\s:@/]{3,128}@[\w.-]{1,253}/,
];

/** A name, an equals sign or colon, and a value that looks made up by a machine or a careful person. */
const assignment =
  /\b(?:password|passwd|passphrase|pwd|secret|api[_-]?key|access[_-]?key|secret[_-]?key|auth[_-]?token|access[_-]?token|client[_-]?secret|private[_-]?key)["']? ?(?:=|:|=>) ?["']?([^\s"',;<>]{8,200})/gi;

export function holdsSecret(text: string): boolean {
  if (tokens.some((p) => p.test(text))) return true;
  for (const [, value = ''] of text.matchAll(assignment)) if (looksSecret(value)) return true;
  return false;
}

/** Letters and digits mixed, not masked, no reference to where the value really is, no address. */
function looksSecret(value: string): boolean {
  return (
    /[a-z]/i.test(value) &&
    /\d/.test(value) &&
    !/\*{3}|x{4}|\.{3}|^[$({<[]|\/|:\/|^ref-|redacted|^\d{1,3}(?:\.\d{1,3}){3}/i.test(value)
  );
}
