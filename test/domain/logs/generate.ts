/** Logs in the formats that matter, made from a seed, together with what is true of them. */

/** mulberry32: small, and the same on every machine. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const pick = <T>(next: () => number, list: readonly T[]): T => list[Math.floor(next() * list.length)] as T;
const two = (value: number): string => String(value).padStart(2, '0');
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

export const START = Date.UTC(2024, 2, 4, 6, 0, 0);

export function syslogTime(ms: number): string {
  const d = new Date(ms);
  const day = String(d.getUTCDate()).padStart(2, ' ');
  return `${MONTHS[d.getUTCMonth()]} ${day} ${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())}`;
}

export function apacheTime(ms: number): string {
  const d = new Date(ms);
  const time = `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())}`;
  return `${DAYS[d.getUTCDay()]} ${MONTHS[d.getUTCMonth()]} ${two(d.getUTCDate())} ${time} ${d.getUTCFullYear()}`;
}

export interface SshTruth {
  lines: string[];
  /** Attempts and log lines of `Failed password` by address. */
  attempts: Map<string, number>;
  logLines: Map<string, number>;
}

/** sshd under attack: failed passwords with PAM's account of each, folded repetitions, and people who may log in. */
export function sshLog(seed: number, attackers: Record<string, number>, success: string | null = null): SshTruth {
  const next = random(seed);
  const attempts = new Map<string, number>();
  const logLines = new Map<string, number>();
  const lines: string[] = [];
  let ms = START;
  const write = (message: string): void => {
    lines.push(`${syslogTime(ms)} bastion sshd[${20000 + Math.floor(next() * 5000)}]: ${message}`);
  };
  const add = (map: Map<string, number>, key: string, by: number): void => void map.set(key, (map.get(key) ?? 0) + by);
  for (const [address, count] of Object.entries(attackers)) {
    let left = count;
    while (left > 0) {
      ms += Math.floor(next() * 4000);
      const user = pick(next, ['root', 'root', 'root', 'admin', 'oracle', 'test', 'git']);
      const invalid = user === 'root' ? '' : 'invalid user ';
      const port = 30000 + Math.floor(next() * 30000);
      if (invalid !== '') write(`Invalid user ${user} from ${address}`);
      write(
        `pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=${address}  user=${user}`,
      );
      const failed = `Failed password for ${invalid}${user} from ${address} port ${port} ssh2`;
      const folded = left >= 6 && next() < 0.05 ? 5 : 1;
      write(folded === 1 ? failed : `message repeated ${folded} times: [ ${failed}]`);
      add(attempts, address, folded);
      add(logLines, address, 1);
      left -= folded;
      write(`Received disconnect from ${address}: 11: Bye Bye [preauth]`);
    }
    if (address === success) {
      ms += 1000;
      write(`Accepted password for root from ${address} port 40000 ssh2`);
    }
  }
  ms += 60_000;
  write('Accepted publickey for deploy from 192.0.2.10 port 50022 ssh2');
  write('pam_unix(sshd:session): session opened for user deploy by (uid=0)');
  return { lines, attempts, logLines };
}

/** Apache's error log with a worker in error states, among what a server says in peace. */
export function apacheLog(seed: number, states: Record<string, number>): string[] {
  const next = random(seed);
  const pool = Object.entries(states).flatMap(([state, count]) => Array.from({ length: count }, () => state));
  for (let i = pool.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [pool[i], pool[j]] = [pool[j] as string, pool[i] as string];
  }
  let ms = START;
  return pool.flatMap((state, i) => {
    ms += Math.floor(next() * 60_000);
    const at = `[${apacheTime(ms)}]`;
    return [
      `${at} [notice] workerEnv.init() ok /etc/httpd/conf/workers2.properties`,
      `${at} [error] mod_jk child workerEnv in error state ${state}`,
      `${at} [notice] jk2_init() Found child ${6000 + i} in scoreboard slot ${i % 12}`,
      ...(i % 20 === 0
        ? [`${at} [error] [client 203.0.113.${i % 200}] Directory index forbidden by rule: /var/www/html/`]
        : []),
    ];
  });
}

/** An application with ISO times that is well until `failFrom`, a deployment shortly before, then fails on every third. */
export function javaLog(seed: number, count: number, failFrom: number): string[] {
  const next = random(seed);
  return Array.from({ length: count }, (_, i) => {
    const at = new Date(START + i * 1000).toISOString().replace('T', ' ').replace('Z', '').replace('.', ',');
    const lines = [
      `${at} INFO  [http-${i % 8}] com.acme.Web - GET /orders/${i} took ${5 + Math.floor(next() * 80)} ms`,
    ];
    if (i === failFrom - 8) lines.push(`${at} INFO  [main] com.acme.Deploy - deployed version 4.2.${i} of orders`);
    if (i >= failFrom && i % 3 === 0)
      lines.push(
        `${at} ERROR [http-${i % 8}] com.acme.Orders - order ${i} failed`,
        'java.lang.IllegalStateException: no connection',
        '\tat com.acme.Orders.load(Orders.java:12)',
        '\tat com.acme.Web.serve(Web.java:40)',
        'Caused by: java.net.ConnectException: Connection refused: db-1.internal:5432',
        '\t... 12 more',
      );
    return lines;
  }).flat();
}

/** JSON lines, one a second; every `every`th is an error. */
export function jsonLog(count: number, every: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const failing = i % every === 0;
    return JSON.stringify({
      ts: new Date(START + i * 1000).toISOString(),
      level: failing ? 'error' : 'info',
      msg: failing ? 'query failed' : 'query ok',
      ...(failing ? { error: 'connect ECONNREFUSED 10.0.0.5:5432' } : {}),
      client_ip: `198.51.100.${i % 9}`,
    });
  });
}

/** logfmt, one line a second. */
export function logfmtLog(count: number): string[] {
  return Array.from(
    { length: count },
    (_, i) =>
      `ts=${new Date(START + i * 1000).toISOString()} level=${i % 10 === 0 ? 'error' : 'info'} msg="request ${i} done" took=${i}ms`,
  );
}

/** Combined access log; `broken` answers 502 among those that are well. */
export function accessLog(count: number, broken: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const d = new Date(START + i * 1000);
    const time = `${two(d.getUTCDate())}/Mar/2024:${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())} +0000`;
    return `203.0.113.${i % 5} - - [${time}] "GET /api/orders?id=${i} HTTP/1.1" ${i < broken ? 502 : 200} 512 "-" "curl/8"`;
  });
}
