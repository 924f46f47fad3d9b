import { spawn } from 'node:child_process';
import { endWith, readAuth } from './auth';

// Stands before curl on an agent's PATH: the API with the agent's credential, hosts that are allowed, and no more output than
// an agent can read.

const broad = ['/openapi.json', '/docs', '/redoc', '/api/tools'];
const refusedPath = 64;
const refusedHost = 65;
const mostBytes = 250_000;

const allowed = (process.env['AGENT_CURL_ALLOWED_HOSTS'] ?? '').split(',').filter((h) => h !== '');
/** Options that read addresses or settings from elsewhere, or lead past what was looked at. */
const hiding = /^(-K|--config|--next|-:|-L|--location|--location-trusted|-x|--proxy|--connect-to|--resolve|--url-query|--unix-socket|--abstract-unix-socket|--preproxy|--socks\S*)(=.*)?$/; // prettier-ignore

/** Options whose next word is a value, and no address. */
const valued = new Set([
  '--data', '--data-raw', '--data-binary', '--data-urlencode', '--json', '--form', '--header', '--output', '--request', '--user-agent',
  '--max-time', '--connect-timeout', '--write-out', '--retry', '--user', '--cookie', '--referer', '--range',
]); // prettier-ignore
const takesNext = (word: string | undefined): boolean =>
  word !== undefined && (valued.has(word) || /^-[a-zA-Z]*[dFHoXAmwueb]$/.test(word));

const refuse = (code: number, why: string): void => endWith(code, process.stderr, `curl: refused: ${why}\n`);

const asUrl = (word: string): URL | null => {
  const text = /^https?:\/\//i.test(word) ? word : /^[\w.-]+(:\d+)?(\/|$)/.test(word) && /[.:]|localhost/.test(word) ? `http://${word}` : null; // prettier-ignore
  return text !== null && URL.canParse(text) ? new URL(text) : null;
};

/** The path without what it is not: `//docs/` is `/docs`. */
const plain = (url: URL): string =>
  decodeURIComponent(url.pathname)
    .replace(/\/+/g, '/')
    .replace(/(.)\/$/, '$1');

function main(): void {
  const words = process.argv.slice(2);
  const { base_url, token } = readAuth();
  const api = new URL(base_url);
  const hidden = words.find((w) => hiding.test(w) || /^-[a-zA-Z]*[LKx]/.test(w));
  if (hidden !== undefined) return refuse(refusedHost, `${hidden} is not allowed`);
  const urls = words.flatMap((w, i) => {
    if (takesNext(words[i - 1])) return [];
    return (w.startsWith('-') ? /^--url=/.test(w) && asUrl(w.slice(6)) : asUrl(w)) || [];
  });
  for (const url of urls) {
    if (url.origin === api.origin) {
      if (broad.includes(plain(url)))
        return refuse(refusedPath, `${url.pathname} is more than you need: see AGENTS.md`);
    } else if (!allowed.includes(url.hostname)) return refuse(refusedHost, `${url.hostname} is not an allowed host`);
  }
  const toApi = urls.length > 0 && urls.every((u) => u.origin === api.origin);
  const path = (process.env['PATH'] ?? '').split(':').slice(1).join(':');
  // The credential goes in by standard input: a command line is for everybody to see.
  const child = spawn('curl', [...(toApi ? ['--config', '-'] : []), '--proto', '=http,https', ...words], {
    env: { ...process.env, PATH: path },
    stdio: [toApi ? 'pipe' : 'ignore', 'pipe', 'inherit'],
  });
  child.on('error', (e) => refuse(127, e.message));
  child.stdin?.on('error', () => undefined); // it ended before it read them: its own exit says so
  child.stdin?.end(`header = "Authorization: Bearer ${token}"\n`);
  let sent = 0;
  child.stdout?.on('data', (chunk: Buffer) => {
    const room = mostBytes - sent;
    if (room <= 0) return;
    sent += Math.min(room, chunk.length);
    process.stdout.write(chunk.subarray(0, room));
    if (chunk.length > room) {
      process.stderr.write(`curl: output cut at ${mostBytes} bytes\n`);
      child.kill();
    }
  });
  child.on('close', (code, signal) => endWith(code ?? (signal && sent >= mostBytes ? 0 : 1), process.stdout, ''));
}

try {
  main();
} catch (e) {
  refuse(1, (e as Error).message);
}
