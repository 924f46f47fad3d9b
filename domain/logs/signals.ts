/**
 * Kinds of events that operators have a word for. A rule is data: what a line must say, whether that is trouble, and
 * which part of it is the subject (what it is about) and the detail (its state, its status).
 *
 * `test` sees the masked line (`<num>`, `<ip>`, `<path>` in place of values); `extract` sees the line itself and names
 * its groups subject, detail, user and host.
 */
export interface SignalRule {
  id: string;
  title: string;
  failing: boolean;
  /** Words that also stand in harmless lines: counts only where the line's level does not say that all is well. */
  weak: boolean;
  test: RegExp;
  extract: RegExp | null;
}

const rule = (id: string, title: string, test: RegExp, extract: RegExp | null = null): SignalRule => ({
  id,
  title,
  failing: true,
  weak: false,
  test,
  extract,
});
const weak = (made: SignalRule): SignalRule => ({ ...made, weak: true });
const harmless = (made: SignalRule): SignalRule => ({ ...made, failing: false });

/** `host:port`, as an address or a name; `12:30` is neither. */
const TARGET =
  /(?<![\w.-])(?<subject>(?:[a-z][\w+.-]*:\/\/)?(?:\[[\da-f:]+\]|(?:\d{1,3}\.){3}\d{1,3}|(?=[\w.-]*[a-z])[\w.-]+):\d{2,5})(?![\w.])/i;

const authentication: SignalRule[] = [
  rule(
    'auth.failed_password',
    'failed password',
    /\bfailed password for\b/i,
    /failed password for (?:invalid user |illegal user )?(?<user>.*?) from (?<host>\S+)/i,
  ),
  rule(
    'auth.failed_other',
    'failed authentication by another method',
    /\bfailed (?!password\b)[\w/-]+ for .*\bfrom\b/i,
    /failed (?<detail>\S+) for (?:invalid user |illegal user )?(?<user>.*?) from (?<host>\S+)/i,
  ),
  rule(
    'auth.invalid_user',
    'login name that does not exist',
    /^(?:invalid|illegal) user\b.* from\b/i,
    /user (?<user>.*) from (?<host>\S+)/i,
  ),
  rule(
    'auth.pam_failure',
    'authentication failure reported by PAM',
    /^(?:pam_\w+\([^)]*\): )?authentication failure;/i,
    /rhost=(?<host>\S*)(?:\s+user=(?<user>\S+))?/i,
  ),
  rule(
    'auth.login_failed',
    'failed login',
    /\b(?:authentication failed|log[io]n failed|failed log[io]n|log[io]n failure|invalid credentials|bad password|invalid password|incorrect password|access denied for user|sasl \S+ authentication failed|password authentication failed)\b/i,
    /^(?:(?=.*?\buser(?:name)?[ =:]+["'`]?(?<user>[\w.@-]+))|)(?:(?=.*?\b(?:from|rhost|rip)[ =:]+(?<host>[\w.:-]+))|)/i,
  ),
  rule(
    'auth.too_many',
    'too many authentication failures',
    /\b(?:too many authentication failures|maximum authentication attempts exceeded)\b/i,
  ),
  rule('auth.breakin', 'reverse lookup that does not match', /possible break-in attempt/i),
  harmless(
    rule(
      'auth.accepted',
      'successful login',
      /\baccepted \S+ for\b/i,
      /accepted (?<detail>\S+) for (?<user>.*?) from (?<host>\S+)/i,
    ),
  ),
  harmless(rule('auth.session', 'session opened', /\bsession opened for user\b/i, /for user (?<subject>[^\s(]+)/i)),
];

const workers: SignalRule[] = [
  rule(
    'worker.error_state',
    'worker in an error state',
    /\b(?:in|entered|into) (?:an? )?error state\b/i,
    /(?<subject>(?:[\w.-]+ )?(?:child|worker|process|backend|node|thread) [\w.:/-]+|[\w.:/-]+)(?: is| has)? (?:in|entered|into) (?:an? )?error state(?:[ :=]+(?<detail>[\w-]+))?/i,
  ),
  rule(
    'worker.init_failed',
    'worker that could not be started or found',
    /\bchild init <num> -<num>|can't find child <num>|\bfailed to (?:start|spawn|fork) (?:worker|child|process)/i,
    /(?<subject>\w+ child init|can't find child|failed to (?:start|spawn|fork) \w+)(?: (?<detail>-?\d+ -?\d+))?/i,
  ),
  rule(
    'process.crash',
    'process that crashed or was killed',
    /\b(?:segfault|segmentation fault|core dumped|exit signal|exited on signal|killed by signal|exited abnormally|fatal signal|terminated abnormally|kernel panic)\b|^panic: /i,
    /^(?<subject>[A-Za-z][\w./-]*)(?:.*?(?:signal|with)[ :]+\[?(?<detail>[^\s()[\]]+))?/i,
  ),
];

const network: SignalRule[] = [
  rule('net.refused', 'connection refused', /connection refused|econnrefused|actively refused/i, TARGET),
  weak(
    rule(
      'net.timeout',
      'time-out',
      /\btimed[ -]?out\b|\betimedout\b|\bdeadline exceeded\b|\b(?:read|connect|connection|request|gateway|lock wait|idle|socket)[ -]?timeout\b(?![ =:]+<num>)|\btimeout (?:while|waiting|after|expired|exceeded|reached)/i,
      TARGET,
    ),
  ),
  weak(
    rule(
      'net.reset',
      'connection reset or broken',
      /connection reset|econnreset|broken pipe|\bepipe\b|connection abort/i,
    ),
  ),
  rule(
    'net.name',
    "name that can't be resolved",
    /enotfound|eai_again|name or service not known|no such host|could not resolve|temporary failure in name resolution|name resolution fail/i,
    /(?:host|lookup|resolve(?: host)?|enotfound|eai_again)[:\s]+["']?(?<subject>[\w-]+(?:\.[\w-]+)+)/i,
  ),
  rule(
    'net.tls',
    'TLS or certificate failure',
    /certificate (?:has expired|verify failed|is not yet valid|signed by unknown|verification fail)|\bx509:|(?:ssl|tls)[_ ]?handshake (?:failed|error|failure)|handshake failure/i,
  ),
];

const resources: SignalRule[] = [
  rule(
    'resource.memory',
    'out of memory',
    /out of memory|outofmemory|oom[-_ ]?kill|cannot allocate memory|\benomem\b|memory exhausted|java heap space|\bkilled process\b/i,
    /killed process \d+[ ,(]+(?<subject>[\w./-]+)|(?<detail>java heap space|gc overhead limit exceeded|metaspace)/i,
  ),
  rule(
    'resource.disk_full',
    'no space left',
    /no space left|\benospc\b|disk (?:is )?full|filesystem (?:is )?full|disk quota exceeded|\bedquot\b/i,
    /(?<subject>\/[\w./-]+)/,
  ),
  rule(
    'resource.disk_fault',
    'disk or file system fault',
    /\bi\/o error\b|read-only file ?system|\berofs\b|bad sector|medium error|(?:ext[234]|xfs|btrfs)[^:]*: .*(?:error|corrupt)/i,
    /(?:dev|device|on) (?<subject>[\w/-]+)/i,
  ),
  rule(
    'resource.limit',
    'a limit is reached',
    /too many open files|\bemfile\b|\benfile\b|too many connections|too many clients|connection pool (?:is )?(?:exhausted|timeout)|pool exhausted|remaining connection slots|resource temporarily unavailable|\bquota exceeded|rate limit(?:ed)? exceeded|max_?clients (?:setting|reached)|maxrequestworkers|server reached/i,
  ),
];

const access: SignalRule[] = [
  rule(
    'access.forbidden',
    'request that the server forbids',
    /directory index (?:of .* )?(?:is )?forbidden|client denied by server configuration|access forbidden by rule/i,
    /(?:rule|configuration|directory index of)[: ]+["']?(?<subject>[^\s"',]+)/i,
  ),
  weak(
    rule(
      'access.permission',
      'permission denied',
      /permission denied|\beacces\b|operation not permitted|not authorized to|authorization failed/i,
      /(?<subject>\/[\w./-]+)/,
    ),
  ),
  weak(
    rule(
      'file.missing',
      'missing file',
      /no such file or directory|\benoent\b|file (?:does not exist|not found)/i,
      /(?<subject>\/[\w./-]+)/,
    ),
  ),
];

const service: SignalRule[] = [
  weak(rule('data.lock', 'deadlock or lock time-out', /\bdeadlock\b|lock wait timeout/i)),
  rule(
    'service.failed',
    'service that failed',
    /failed to start\b|entered failed state|failed with result|start request repeated too quickly|back-?off restarting|crashloopbackoff|main process exited/i,
    /(?:failed to start |unit |restarting failed (?:container )?|^)(?<subject>[A-Za-z][\w@.-]*?)(?:[:.,]?(?:\s|$))/i,
  ),
  harmless(
    rule(
      'service.start',
      'service started or restarted',
      /\b(?:startup succeeded|restart(?:ed|ing)?\b|(?:server|service|application|daemon|worker|process) (?:has )?start(?:ed|ing)|^started |^starting |listening on|resuming normal operations|scheduled restart job|booting linux|linux version)/i,
      /(?:^(?:re)?start(?:ed|ing) )?(?<subject>[A-Za-z][\w@.-]*)/i,
    ),
  ),
  harmless(
    rule(
      'service.stop',
      'service stopped',
      /\b(?:shutdown succeeded|shutting down|^stopping |^stopped |sigterm|exiting on signal|graceful(?:ly)? (?:shutdown|stop))/i,
    ),
  ),
  harmless(
    rule(
      'change.made',
      'change to software or configuration',
      /\b(?:deploy(?:ed|ing|ment)\b|config(?:uration)? (?:re)?load(?:ed|ing)?|reload(?:ed|ing) config|rolled out|rollout|upgrad(?:ed|ing) |migration (?:applied|started)|feature flag|new version|version changed)/i,
    ),
  ),
  harmless(
    rule(
      'net.connection',
      'incoming connection',
      /^connection from\b|\baccepted connection from\b/i,
      /from (?<host>\S+)/i,
    ),
  ),
];

export const signalRules: readonly SignalRule[] = [
  ...authentication,
  ...workers,
  ...network,
  ...resources,
  ...access,
  ...service,
];

/** Signals that come from fields rather than from words. */
export const HTTP_SERVER_ERROR = rule('http.server_error', 'HTTP answer 5xx', /(?!)/);
export const HTTP_REFUSED = rule('http.refused', 'HTTP answer 401 or 403', /(?!)/);
export const HTTP_NOT_FOUND = harmless(rule('http.not_found', 'HTTP answer 404', /(?!)/));
export const EXCEPTION = rule('exception', 'exception', /(?!)/);

/** Words of failure, for lines whose level says nothing; "0 errors" and "no error" are none. */
const VOCABULARY =
  /\b(?:errors?|fail(?:ed|ure|ures|s)?|fatal|critical|panic|exception|abort(?:ed|ing)?|denied|refused|unable to|cannot|can't|could not|couldn't|unreachable|corrupt(?:ed|ion)?|invalid|illegal|abnormal(?:ly)?|unexpected(?:ly)?|violation)\b/i;
const DENIED =
  /(?:\b(?:no|without)|<num>) (?:any )?(?:errors?|failures?|exceptions?)\b|\b(?:errors|failures|failed)[=:]\s?<num>(?!\w)|\b(?:errors?|failed|exceptions?)[=:]\s?(?:none|null|false|nil)\b/gi;

export function speaksOfFailure(masked: string): boolean {
  return VOCABULARY.test(masked) && VOCABULARY.test(masked.replace(DENIED, ''));
}
