import {
  carriesData,
  destinationsOf,
  isDropSite,
  isHostile,
  isInside,
  isMetadata,
  type Destination,
} from '../destinations';
import { all, any, pattern, type Match, type Rule } from '../rule';
import type { Kind, Subject } from '../subject';

/** Addresses: the inside of the network, metadata services, and places where data is carried to. */

const addressed: readonly Kind[] = ['url', 'other'];
const connecting: readonly Kind[] = ['url', 'host', 'shell', 'k8s', 'cloud', 'path', 'sql', 'chat', 'other'];

const to =
  (...is: ((destination: Destination, subject: Subject) => boolean)[]): Match =>
  (subject) =>
    destinationsOf(subject).some((d) => is.every((test) => test(d, subject)));

const outside = (d: Destination): boolean => !isInside(d) && !isMetadata(d);
const hasScheme = (d: Destination, subject: Subject): boolean => d.scheme !== '' && subject.text.includes('://');

const sensitiveParameter =
  /[?&;](?:ssn|aadhaar|credit_?card|card_?(?:number|num|no)|cvv|passport\w{0,10}|iban|password|passwd|pwd|private_?key|secret_?key|access_?key|client_?secret)=[^&]{2,}/;
const takenParameter =
  /[?&;](?:exfil|stolen|leak(?:ed)?|dump|loot|secrets?|cookies?|session_?data|conversation|chat_?history|system_?prompt|weights|embeddings?|logits|training_?data|checkpoint|credentials?|creds|memory|env)=[^&]{1,}/;
const encodedParameter =
  /[?&;](?:data|d|q|p|c|x|payload|prompt|content|body|msg|text|b64|base64|file|out|output|result)=(?:[a-z0-9+/_-]{64,}|(?:%[0-9a-f]{2}){20,}|base64)/;
const takenPath =
  /\/(?:exfil\w{0,10}|steal|stolen|leak|loot|c2|beacon|collect(?:or)?|gate\.php|drop|grab|harvest|receive|upload-weights|dump)(?:\/|$|\.)/;

export const networkRules: readonly Rule[] = [
  {
    signal: 'ssrf_cloud_metadata',
    finding: 'policy_deny',
    on: connecting,
    match: any(
      to(isMetadata),
      pattern(
        /169\.254\.169\.254|\bmetadata\.google\.internal\b|\bfd00:ec2::254\b|\/latest\/(?:meta-data|user-data|api\/token|dynamic)|\bcomputemetadata\/v1|\/metadata\/(?:instance|identity|v1)/,
      ),
    ),
  },
  {
    signal: 'ssrf_internal_network',
    finding: 'policy_deny',
    on: addressed,
    match: to(isInside, (d, s) => hasScheme(d, s) || s.is('url')),
  },
  {
    signal: 'ssrf_local_file',
    finding: 'policy_deny',
    on: ['url', 'host', 'path', 'other'],
    match: pattern(
      /\b(?:file|gopher|dict|ldaps?|tftp|jar|netdoc|phar|expect|php|zip|glob|local_file|view-source|sftp|smb|nfs|mailto|rmi):\/{1,3}/,
      /\bphp:\/\/(?:filter|input)|^(?:data|blob|about|chrome):|^\\\\[\w.-]{1,100}\\/,
    ),
  },
  {
    signal: 'ssrf_local_file',
    finding: 'policy_deny',
    on: ['shell'],
    match: pattern(/\bfile:\/\/\/|\b(?:gopher|dict|netdoc|phar):\/\//),
  },
  {
    signal: 'suspicious_destination',
    finding: 'policy_deny',
    on: ['url', 'host', 'shell', 'k8s', 'cloud', 'path', 'other'],
    match: to(isHostile),
  },
  {
    signal: 'suspicious_destination',
    finding: 'data_exfiltration_detected',
    on: ['chat', 'message', 'sql', 'money', 'identity'],
    match: any(to(isHostile), pattern(/@[\w.-]{0,60}\b(?:attacker|evil|exfil|malicious|hacker|phish|stolen|pwn)/)),
  },
  { signal: 'known_exfil_destination', finding: 'policy_deny', on: connecting, match: to(isDropSite) },
  {
    signal: 'external_pii_exfil',
    finding: 'policy_deny',
    on: addressed,
    match: to(outside, (d) => sensitiveParameter.test(d.query)),
  },
  {
    signal: 'data_upload',
    finding: 'policy_deny',
    on: ['url', 'chat', 'other'],
    match: to(
      outside,
      (d) =>
        takenParameter.test(d.query) ||
        encodedParameter.test(d.query) ||
        (takenPath.test(d.path) && d.query.length > 1),
    ),
  },
  {
    signal: 'dns_tunnelling',
    finding: 'policy_deny',
    on: ['host'],
    match: any(to(outside, carriesData), pattern(/\baxfr\b|\bixfr\b|\btxt ?record\b/)),
  },
  {
    signal: 'privilege_url_access',
    finding: 'policy_deny',
    on: addressed,
    match: to((d) =>
      /\/(?:wp-admin|phpmyadmin|server-status|actuator(?:\/(?:env|heapdump|shutdown))?|admin(?:istrator)?|manager\/html|_cat|_cluster|console|debug\/pprof|jmx-console|\.git|\.svn|\.env|v1\/(?:secret|sys)|api\/v1\/(?:secrets|namespaces))(?:\/|$|\.)/.test(
        d.path,
      ),
    ),
  },
  {
    signal: 'external_get',
    finding: 'data_exfiltration_detected',
    on: ['url'],
    match: all(to(outside), (subject) => subject.fields.length === 0),
  },
];
