/**
 * What credentials look like: one list for all who look for them, in what tools answer, in what agents write and in what
 * calls would carry away. Case is part of a token, so texts are read as they are written. Linear: fixed beginnings and
 * bounded runs.
 */
export interface SecretForm {
  name: string;
  pattern: RegExp;
}

const pem = String.raw`-----BEGIN (?:[A-Z0-9]{1,10} ){0,4}PRIVATE KEY(?: BLOCK)?-----`;
const pemEnd = String.raw`-----END (?:[A-Z0-9]{1,10} ){0,4}PRIVATE KEY(?: BLOCK)?-----`;

export const secretForms: readonly SecretForm[] = [
  { name: 'wheelhouse key', pattern: /\bacp_[\w-]{43}/g },
  // One that was cut off has no end: then as far as it goes.
  { name: 'private key', pattern: new RegExp(String.raw`${pem}(?:[\s\S]{0,8000}?${pemEnd}|[\w+/=\\\s:,.-]{0,8000})`, 'g') },
  { name: 'private key', pattern: /\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b/g },
  { name: 'AWS key', pattern: /\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}\b/g },
  { name: 'GitHub token', pattern: /\bgh[pousr]_[A-Za-z0-9]{36,255}\b|\bgithub_pat_\w{22,255}\b/g },
  { name: 'GitLab token', pattern: /\b(?:gl(?:pat|ptt|dt|rt|rtr|cbt|oas|ft|soat|agent|imt)-|GR1348941)[\w-]{20,255}/g },
  {
    name: 'Slack token',
    pattern: /\bxox[abeoprs](?:\.xox[bp])?-[\w-]{10,255}|\bxapp-[\w-]{10,255}|\bhooks\.slack\.com\/(?:services|workflows)\/[\w/]{8,200}/g,
  },
  // With a figure in it: `sk-` and words is a name.
  { name: 'model key', pattern: /\bsk-(?=[\w-]{0,254}\d)[\w-]{20,255}|\bhf_[A-Za-z0-9]{30,64}\b|\bgsk_\w{40,64}\b/g },
  { name: 'payment key', pattern: /\b[rs]k_(?:live|test)_\w{16,255}|\bwhsec_[\w+/=]{20,128}/g },
  { name: 'Google key', pattern: /\bAIza[\w-]{35}(?![\w-])|\bya29\.[\w.-]{20,1024}|\bGOCSPX-[\w-]{28}/g },
  { name: 'package token', pattern: /\bnpm_\w{36}\b|\bpypi-[\w-]{40,400}|\bdckr_pat_[\w-]{20,64}|\brubygems_[0-9a-f]{48}\b/g },
  {
    name: 'service token',
    pattern: /\bSG\.[\w-]{16,64}\.[\w-]{16,64}|\bhv[sbr]\.[\w-]{24,255}|\bdo[opr]_v1_[0-9a-f]{64}\b|\bshp(?:at|ca|pa|ss)_[0-9a-f]{32}\b|\bATATT3[\w=-]{20,255}|\b\d{8,10}:AA[\w-]{33}(?![\w-])/g,
  },
  { name: 'JWT', pattern: /\beyJ[\w-]{10,2048}\.eyJ[\w-]{10,4096}\.[\w-]{10,1024}/g },
  { name: 'bearer token', pattern: /\bBearer [A-Za-z0-9._~+/-]{20,2000}=*/gi },
  { name: 'login', pattern: /(?<=\bauthorization["']?[:=] ?["']?basic )[A-Za-z0-9+/]{8,512}={0,2}/gi },
  // The password of an address; who it is for, and where, may be read.
  { name: 'password', pattern: /(?<=\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:@/"'<>]{0,64}:)(?![*<]|\$[A-Z{(]|x{3})[^\s/"'<>]{1,128}(?=@)/gi },
]; // prettier-ignore

const secretName = String.raw`(?:password|passwd|passphrase|passcode|pwd|secret|(?:secret|api|access|private|account|signing|encryption)[_-]?key|(?:secret[_-]?access|shared[_-]?access)[_-]?key|(?:auth|access|refresh|secret|session|bot|api)[_-]?token|client[_-]?secret)`;

/** A name that says what its value is, and the value: `name`, `between`, `value`. */
export const namedSecret = new RegExp(
  String.raw`(?<name>(?<![A-Za-z0-9])(?:[A-Za-z0-9]{1,40}[_-]){0,4}${secretName}(?![A-Za-z0-9_-]))(?<between>\\?["']?\s{0,3}(?:=>|=|:)\s{0,3}\\?["']?)(?<value>[^\s"',;\\&]{4,200})`,
  'gi',
);
/** A key of JSON that says so; `maxTokens` and `token_count` say something else. */
export const secretKey = new RegExp(String.raw`^(?:[a-z0-9]{1,40}[_-]){0,4}${secretName}$`, 'i');

/** Nobody's: masked, a reference to where the value really is, or a place to fill in. */
export const isPlaceholder = (value: string): boolean =>
  /\*{3}|x{4}|\.{3}|^[$({<[]|^%[({]|:\/|^ref-|^vault:|redacted|removed\]/i.test(value);

/** Letters and digits mixed, and no placeholder, path or address. */
export const looksSecret = (value: string): boolean =>
  /[a-z]/i.test(value) && /\d/.test(value) && !isPlaceholder(value) && !/\/|^\d{1,3}(?:\.\d{1,3}){3}/.test(value);
