import { isIP } from 'node:net';
import { isMetadataAddress, isPrivateAddress } from '../private-ranges';
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

const metadataNames =
  /^(?:metadata|instance-data|metadata\.google\.internal|metadata\.goog|metadata\.azure\.\w{2,12}|.{1,60}\.metadata\..{1,60})$/;

const insideNames =
  /^localhost$|\.(?:localhost|local|internal|intranet|lan|corp|home|private|localdomain|svc|cluster|consul)$|^kubernetes\.default|^host\.docker\.internal$|\.svc\./;
/** Public names that resolve to the address written in them. */
const rebinding =
  /(?:^|\.)(?:nip\.io|sslip\.io|xip\.io|localtest\.me|lvh\.me|vcap\.me|lacolhost\.com|rbndr\.us|1u\.ms)$/;

export function isMetadata({ host }: Destination): boolean {
  return isMetadataAddress(host) || metadataNames.test(host);
}

export function isInside({ host }: Destination): boolean {
  return isPrivateAddress(host) || insideNames.test(host) || rebinding.test(host) || !/[.:]/.test(host);
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
