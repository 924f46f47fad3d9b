import { BlockList, isIP } from 'node:net';
import type { Subject } from './subject';

/** The places a text would connect to, and what is known of them without asking anyone. */

export interface Destination {
  /** Without the colon; empty for a bare host. */
  scheme: string;
  /** As a browser would read it: `2130706433` and `0x7f.1` are 127.0.0.1. */
  host: string;
  path: string;
  query: string;
}

const urls =
  /[a-z][a-z0-9+.-]{1,20}:\/\/(?:[^\s"'<>`|\\)\]}@]{1,100}@)?\[[0-9a-f:.%]{2,60}\][^\s"'<>`|\\)\]}]{0,2048}|[a-z][a-z0-9+.-]{1,20}:\/{1,3}[^\s"'<>`|\\)\]}]{1,4096}/g;
const hostLike = /(?:[\w-]{1,63}\.){1,12}[\w-]{2,63}|\[[0-9a-f:.]{2,45}\]|\b[0-9a-f]{0,4}::[0-9a-f:]{1,40}/g;
const bareHost = /^(?:[\w.-]{1,253}|\[[0-9a-f:.]{2,45}\]|[0-9a-f:.]{2,45})(?::\d{1,5})?(?:[/?#]\S{0,2048})?$/;
const maxDestinations = 64;

const known = new WeakMap<Subject, Destination[]>();

/** Read once for all rules. */
export function destinationsOf(subject: Subject): Destination[] {
  const found = known.get(subject) ?? readDestinations(subject);
  known.set(subject, found);
  return found;
}

function readDestinations(subject: Subject): Destination[] {
  const found = (subject.text.match(urls) ?? []).map(parse);
  if (
    subject.is('url', 'host') &&
    /[.:]|^localhost\b/.test(subject.text.split('/')[0] ?? '') &&
    bareHost.test(subject.text)
  )
    found.push(parse(`http://${bracketed(subject.text)}`));
  // Command lines and names to look up hold hosts without a scheme; file names look alike, and are known to nobody.
  if (subject.is('host', 'shell', 'other')) {
    for (const host of subject.text.match(hostLike) ?? []) found.push(parse(`http://${bracketed(host)}`));
  }
  return found.filter((d) => d !== null).slice(0, maxDestinations);
}

function bracketed(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host;
}

function parse(text: string): Destination | null {
  // Unknown schemes keep their hosts as written; read as http, their numbers are normalised too.
  const scheme = /^[a-z][a-z0-9+.-]*(?=:)/.exec(text)?.[0] ?? '';
  const readable =
    URL.canParse(text) && /^(?:https?|ftp|wss?)$/.test(scheme)
      ? text
      : text.replace(/^[a-z][a-z0-9+.-]*:\/*/, 'http://');
  if (!URL.canParse(readable)) return null;
  const { hostname, pathname, search } = new URL(readable);
  return { scheme, host: hostname.replace(/^\[|\]$/g, '').replace(/\.$/, ''), path: pathname, query: search };
}

const metadata = new BlockList();
for (const ip of [
  '169.254.169.254',
  '169.254.170.2',
  '169.254.170.23',
  '100.100.100.200',
  '192.0.0.192',
  '168.63.129.16',
]) {
  metadata.addAddress(ip);
}
metadata.addAddress('fd00:ec2::254', 'ipv6');
const metadataNames =
  /^(?:metadata|instance-data|metadata\.google\.internal|metadata\.goog|metadata\.azure\.\w{2,12}|.{1,60}\.metadata\..{1,60})$/;

const inside = new BlockList();
for (const [net, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const) {
  inside.addSubnet(net, prefix);
}
for (const [net, prefix] of [
  ['::', 96],
  ['::1', 128],
  ['64:ff9b::', 96],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const) {
  inside.addSubnet(net, prefix, 'ipv6');
}
const insideNames =
  /^localhost$|\.(?:localhost|local|internal|intranet|lan|corp|home|private|localdomain|svc|cluster|consul)$|^kubernetes\.default|^host\.docker\.internal$|\.svc\./;
/** Public names that resolve to the address written in them. */
const rebinding =
  /(?:^|\.)(?:nip\.io|sslip\.io|xip\.io|localtest\.me|lvh\.me|vcap\.me|lacolhost\.com|rbndr\.us|1u\.ms)$/;

export function isMetadata({ host }: Destination): boolean {
  return listed(metadata, host) || metadataNames.test(host);
}

export function isInside({ host }: Destination): boolean {
  return listed(inside, host) || insideNames.test(host) || rebinding.test(host) || !/[.:]/.test(host);
}

/** IPv4 addresses inside IPv6 ones count as what they are: BlockList looks into the mapped form itself. */
function listed(list: BlockList, host: string): boolean {
  const version = isIP(host);
  return version !== 0 && list.check(host, version === 6 ? 'ipv6' : 'ipv4');
}

const dropSites =
  /(?:^|\.)(?:pastebin\.com|paste\.(?:ee|rs|c-net\.org)|hastebin\.com|ghostbin\.\w{2,4}|dpaste\.(?:com|org)|ix\.io|sprunge\.us|termbin\.com|0x0\.st|transfer\.sh|file\.io|gofile\.io|anonfiles?\.\w{2,4}|bashupload\.com|temp\.sh|catbox\.moe|uguu\.se|oshi\.at|webhook\.site|requestbin\.\w{2,4}|requestcatcher\.com|requestrepo\.com|pipedream\.net|beeceptor\.com|hookbin\.com|mockbin\.org|postb\.in|ngrok\.(?:io|app|dev)|ngrok-free\.(?:app|dev)|trycloudflare\.com|serveo\.net|localhost\.run|loca\.lt|localtunnel\.me|burpcollaborator\.net|oastify\.com|interact\.sh|interactsh\.com|oast\.\w{2,6}|canarytokens\.\w{2,4}|dnslog\.cn|ceye\.io|mega\.nz|onion)$/;
const dropPaths = /^\/api\/webhooks\/|^\/bot\d{1,12}:/;

/** Where stolen data is usually dropped. */
export function isDropSite({ host, path }: Destination): boolean {
  return (
    dropSites.test(host) || (/(?:^|\.)(?:discord(?:app)?\.com|api\.telegram\.org)$/.test(host) && dropPaths.test(path))
  );
}

const hostileWord =
  /^(?:attackers?|evil\w{0,12}|exfil\w{0,12}|malicious|malware|hackers?|hacked|phish\w{0,8}|c2|cnc|stolen|steal|stealer|stealing|leak|leaks|leaked|pwn\w{0,6}|rogue|adversary|botnet|backdoor|ransom\w{0,8}|villain|badguy|baddomain|badactor|untrusted|thief|darknet)$/;

/** The name says it itself; a word of it counts, a part of a word does not. */
export function isHostile({ host }: Destination): boolean {
  return host.split(/[.-]/).some((part) => hostileWord.test(part));
}

/** Long or encoded labels carry data in a name lookup. */
export function carriesData({ host }: Destination): boolean {
  const labels = host.split('.').slice(0, -2);
  return (
    labels.some(
      (label) =>
        label.length > 40 ||
        (label.length >= 20 && /^[0-9a-z]+$/.test(label) && /\d/.test(label) && !/^\d+$/.test(label)),
    ) ||
    labels.join('').length > 80 ||
    labels.some((label) =>
      /(?:^|[-_])(?:base64|b64|hex|chunk\d*|payload|dump|secrets?|passwords?|credentials?|weights|apikey|token|privatekey)(?:$|[-_])/.test(
        label,
      ),
    )
  );
}
