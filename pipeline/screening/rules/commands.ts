import { pattern, type Rule } from '../rule';
import type { Kind } from '../subject';

/** Command lines that destroy, take over, hide or carry away; and commands smuggled into other arguments. */

const commands: readonly Kind[] = ['shell', 'k8s', 'cloud', 'other'];
const embedded: readonly Kind[] = ['path', 'url', 'host', 'sql', 'identity', 'money'];
const everywhereButTalk: readonly Kind[] = [...commands, ...embedded];

/** Where a recursive deletion does harm: anything but a named folder below the current one or in /tmp. */
const harmfulTarget = /["']?(?:\/(?!tmp\/\w)|~|\$|`|\*|\.(?:$|[ ;&|*]|\/?\*|\/ ?$)|\.\.|[a-z]:)/.source;

export const commandRules: readonly Rule[] = [
  {
    signal: 'destructive_shell_command',
    finding: 'policy_deny',
    on: everywhereButTalk,
    match: pattern(
      new RegExp(
        `\\brm (?:-[a-z=-]{1,24} ){0,5}(?:-[a-z]{0,8}r[a-z]{0,8}|--recursive) (?:-[a-z-]{1,24} ){0,5}${harmfulTarget}`,
      ),
      /\brm (?:-[a-z-]{1,24} ){0,5}(?:--no-preserve-root|\/(?:etc|usr|bin|boot|lib|var|home|root|dev|opt|srv|\*))/,
      /\bmkfs(?:\.\w{1,10})? |\bwipefs\b|\bshred (?:-|\/|~)|\bblkdiscard\b|\bluksformat\b|\b(?:fdisk|parted|sgdisk) (?:-\S{1,20} )?\/dev\//,
      /\bdd\b[^|;]{0,200}\bof=\/dev\/(?!null|stdout)|> ?\/dev\/(?:sd|nvme|hd|vd|xvd|mem|kmem|disk)|\bmv \S{1,200} \/dev\/null/,
      /\bfind (?:\/(?!tmp\/\w)|~|\$)[^;|]{0,200}-(?:delete\b|exec(?:dir)? (?:sudo )?(?:\/bin\/)?(?:rm|shred|dd)\b)|\bxargs (?:-\S{1,10} ){0,3}(?:sudo )?rm -|\bfind \S{1,60} (?:-type \w )?-(?:delete|exec(?:dir)? rm)\b|\btar \S{0,8}x[^;|&]{0,120} -c \/(?: |$)/,
      /\b(?:shutdown|poweroff|halt|reboot) ?(?:-[hrpfn]\b|now\b|\+\d|$|;|&)|\binit [06]\b|\bsystemctl (?:--\w{1,12} )?(?:poweroff|reboot|halt|isolate rescue)/,
      /\bkill (?:-(?:9|kill|sigkill|s kill) )?-- ?-1\b|\bkill (?:-\w{1,8} )?-1\b|\bkillall\b|\bpkill (?:-9|-kill|-u|-f \.)/,
      /\bchmod (?:-[a-z]{1,8} |--recursive ){0,3}(?:0{0,4}|777|666|a[+=]rwx) ?\/|\bchown (?:-[a-z]{1,8} ){1,3}\S{1,64} \/(?: |$|etc|usr|bin|var|home)/,
      /\b(?:userdel|groupdel|deluser|delgroup)\b|\bcrontab -r\b|> ?\/etc\/|\btee (?:-a )?\/etc\/|\bsed -i\b[^;|]{0,120} \/etc\//,
    ),
  },
  {
    signal: 'destructive_shell_command',
    finding: 'policy_deny',
    on: commands,
    match: pattern(
      /\bformat [a-z]:|\bdel (?:\/[a-z] ?){1,5}|\b(?:rd|rmdir) \/s|\bremove-item\b[^;|]{0,160}-(?:recurse|force)|\bcipher \/w|\bdiskpart\b|\bclear-disk\b|\bformat-volume\b|\bstop-computer\b|\brestart-computer\b/,
      /\bvssadmin delete|\bwbadmin delete|\bbcdedit\b|\breg delete\b|\bshadowcopy delete/,
      /\bdocker (?:system|volume|image|container|network|builder) prune\b|\bdocker (?:rm|kill|stop|rmi|volume rm)\b[^;|&]{0,60}(?:\$\(|`)|\bdocker[ -]compose\b[^;|&]{0,80}\bdown\b[^;|&]{0,40}(?:-v\b|--volumes|--rmi)/,
      /\bgit push\b[^;&|]{0,120}(?: --force(?: |$)| -f(?: |$)| --delete | --mirror| \+?:\w)|\bgit (?:filter-branch|update-ref -d)\b|\brsync\b[^;|]{0,160} --delete\b[^;|]{0,120} \/|\bunlink \/|\btruncate -s ?0 \//,
      /\bshutil\.rmtree\(|\bos\.(?:remove|unlink|rmdir)\(['"]\/|\bfs\.(?:rm|rmsync|rmdirsync|unlinksync)\(['"]\//,
    ),
  },
  {
    signal: 'remote_code_execution',
    finding: 'policy_deny',
    on: everywhereButTalk,
    match: pattern(
      /\b(?:curl|wget|fetch|lwp-download|aria2c|http)\b[^;]{0,300}\| ?(?:sudo )?(?:-\w{1,8} )?(?:\/\S{1,20}\/)?(?:ba|z|k|da|c|a)?sh\b/,
      /\b(?:curl|wget)\b[^;]{0,300}\| ?(?:sudo )?(?:python\d?|perl|ruby|node|php)\b|\b(?:ba|z|da)?sh (?:-c )?["']?(?:<\(|\$\(|`) ?(?:curl|wget)|\b(?:eval|source|\.) ?["']?(?:<\(|\$\(|`) ?(?:curl|wget)/,
      /\b(?:curl|wget)\b[^;|]{0,240}(?:;|&&) ?(?:sudo )?(?:chmod (?:\+x|7\d\d)|(?:ba)?sh |\.\/)/,
      /\bbase64 (?:-d|--decode|-di)\b[^;]{0,80}\| ?(?:sudo )?(?:(?:ba|z|da)?sh|python\d?|perl)\b|\bxxd -r\b[^;]{0,60}\| ?(?:ba)?sh\b|\| ?(?:sudo )?(?:\/bin\/)?(?:ba|z|da|k)?sh(?: -\w{1,4})?(?: ?$| ?[;&|])/,
      /\/dev\/(?:tcp|udp)\/|\b(?:nc|ncat|netcat)\b[^;|&]{0,120} -\w{0,6}[ec]\w{0,4} |\b(?:nc|ncat|netcat)\b[^;|&]{0,80} -\w{0,6}l|\bmkfifo \S{1,80} ?(?:;|&&|\|)|\bsocat\b[^;]{0,200}\b(?:exec|system|tcp)\b|\b(?:ba)?sh -i\b|\bpty\.spawn\b|\bfsockopen\(|\btcpsocket\b/,
      /\b(?:powershell|pwsh)(?:\.exe)?\b[^;]{0,200} -e(?:nc|ncodedcommand|c)? |\binvoke-(?:expression|webrequest|mimikatz|command)\b|\biex ?\(|\bdownload(?:string|file)\(|\bcertutil\b[^;]{0,80}-(?:urlcache|decode)|\bbitsadmin\b|\bmshta\b|\bregsvr32\b|\brundll32\b|\bwmic\b[^;]{0,80}\bcall create/,
      /\b(?:mimikatz|metasploit|msfvenom|msfconsole|meterpreter|cobalt ?strike|linpeas|winpeas|sqlmap|hydra -|responder\.py|secretsdump|lazagne|bloodhound|chisel (?:client|server))\b/,
      /\b(?:wget|curl)\b[^;|&]{0,240}(?:\.php|shell|payload|backdoor|implant|malware|dropper)[^;|&]{0,40} (?:-o|>)/,
    ),
  },
  {
    signal: 'remote_code_execution',
    finding: 'policy_deny',
    on: ['shell', 'path', 'url', 'message', 'other'],
    match: pattern(
      /\b__import__\(|\bos\.(?:system|popen|exec[lv]p?e?|spawn\w{1,3})\(|\bsubprocess\.(?:run|popen|call|check_output|check_call|getoutput)\(|\bchild_process\b|\bexec(?:file)?sync\(|\bruntime\.getruntime\(|\bprocessbuilder\(/,
      /\bpickle\.loads?\(|\byaml\.(?:unsafe_load|load)\(|\bmarshal\.loads\(|\bshell_exec\(|\bpassthru\(|\bproc_open\(|\beval\( ?(?:base64|atob|compile|input|request|\$_)|\bexec\( ?(?:base64|compile|input|request|open\(|requests)|!!python\/object/,
      /\bsocket\.socket\(|\b(?:requests|urllib\.request|httpx)\.(?:post|put)\(|\bctypes\.(?:cdll|windll|memmove)|\bglobals\(\)\[|\b__(?:subclasses|globals|builtins|mro)__\b|\bconstructor\.constructor\b|\b__proto__\b/,
    ),
  },
  {
    signal: 'remote_code_execution',
    finding: 'policy_deny',
    on: ['path', 'url', 'host', 'identity'],
    match: pattern(
      /(?:;|\||`|\u2400) ?(?:cat|id|whoami|ls|uname|curl|wget|nc|bash|sh|ping|sleep|rm|nslookup|powershell|cmd|python\d?|perl|env|printenv|ifconfig|netstat|echo|touch|chmod|dir|type)\b/,
      /&& ?(?:cat|id|whoami|ls|uname|curl|wget|nc|bash|sh|ping|sleep|rm|nslookup|powershell|cmd|python\d?|perl|env|printenv|dir)\b|\$\([^)]{1,200}\)|`[^`]{1,200}`/,
    ),
  },
  {
    signal: 'expression_injection',
    finding: 'policy_deny',
    on: [...everywhereButTalk, 'message', 'chat'],
    match: pattern(
      /\{\{ ?(?:\d{1,6} ?[*+] ?['"]?\d{1,6}|config\b|self\b|request\b|''|""|\[\]|cycler|joiner|lipsum|namespace|url_for|get_flashed|constructor)/,
      /\bjndi:(?:ldaps?|rmi|dns|iiop|nis|corba|https?)|\$\{[^}]{0,60}(?:jndi|lower:|upper:|::-)|\$\{ ?(?:\d{1,6} ?\* ?\d{1,6}|t\(java|[^}]{0,40}getruntime)|<%=? ?(?:system|exec|`|\d{1,6} ?\* ?\d)|#\{ ?(?:\d{1,6} ?\* ?\d|system|exec|`)/,
      /<!entity\b|<!doctype [^>]{0,100}\[|<xi:include\b|<\?xml-stylesheet\b|\bxmlns:xi\b|\bro0abx/,
    ),
  },
  {
    signal: 'privilege_escalation_attempt',
    finding: 'policy_deny',
    on: everywhereButTalk,
    match: pattern(
      /\bsudo (?:-\w{1,4} )?(?:su\b|-i\b|-s\b|(?:ba|z)?sh\b|visudo|passwd|chmod|chown|usermod|tee|vim?\b|nano|cat \/etc|cp \S{1,80} \/)|\bsudo -[isu]\b|\bsu (?:- ?)?root\b|\bsu -(?: |$|;)|\bdoas (?:-s|su|sh)\b/,
      /\busermod\b[^;|&]{0,80}\b(?:sudo|wheel|root|admin|docker)\b|\b(?:useradd|adduser|addgroup|gpasswd)\b|\bpasswd (?:-d )?(?:root|admin)\b|\bchpasswd\b|\bnopasswd\b|\bsetcap\b|\bpkexec\b|\bvisudo\b|\bsetuid\(0|\bnsenter\b|\bchroot \/|\bunshare -\w{0,4}r/,
      /\bchmod (?:-[a-z]{1,8} )?(?:[ugoa]{0,4}\+\w{0,3}s|[2467][0-7]{3}) |\bdocker run\b[^;|]{0,300}(?:--privileged|-v ?\/:|--volume[= ]\/:|docker\.sock|--pid[= ]host|--cap-add|--net(?:work)?[= ]host)|\/docker\.sock\b/,
      /\bnet (?:user|localgroup)\b[^;|]{0,100}\/(?:add|active)|\badd-localgroupmember\b|\bnew-localuser\b|\brunas \/user/,
    ),
  },
  {
    signal: 'persistence_attempt',
    finding: 'policy_deny',
    on: commands,
    match: pattern(
      /\bcrontab (?!-l\b)|\| ?crontab\b|@reboot\b|\bat now\b|\bsystemctl enable\b|\/etc\/(?:cron|rc\.local|systemd|init\.d|profile)|\/etc\/ld\.so|\bld_preload=|\b(?:insmod|modprobe|kexec)\b|\blaunchctl (?:load|bootstrap)\b/,
      />{1,2} ?(?:~|\$home|\/root|\/home\/\w{1,32})?\/?\.(?:bashrc|bash_profile|profile|zshrc|ssh\/rc)|\.git\/hooks\/|\bschtasks\b[^;]{0,40}\/create|\bnew-service\b|\bsc create\b|\breg add\b[^;]{0,160}\\run\b/,
    ),
  },
  {
    signal: 'credential_artifact_write',
    finding: 'policy_deny',
    on: everywhereButTalk,
    match: pattern(
      /(?:>{1,2}|\btee (?:-a )?|\bcp \S{1,80} |\bmv \S{1,80} ) ?\S{0,100}(?:authorized_keys|\.ssh\/|\.aws\/|\.kube\/config|\.netrc|\.pgpass)|\bssh-copy-id\b|\bssh-keygen\b(?! -l)[^;|]{0,120}-f/,
    ),
  },
  {
    signal: 'security_control_tampering',
    finding: 'policy_deny',
    on: commands,
    match: pattern(
      /\bhistory -c\b|\bunset histfile\b|\bhist(?:file)?size=0\b|\bhistfile=\/dev\/null|(?:>|truncate -s ?0|rm -\w{1,4}|: ?>|ln -sf \/dev\/null|cat \/dev\/null ?>) ?\/var\/log|\bjournalctl\b[^;|]{0,60}--(?:rotate|vacuum)|\bauditctl -[dDe]|\bwevtutil (?:cl|clear)|\bclear-eventlog\b/,
      /\b(?:systemctl|service)\b (?:(?:stop|disable|mask|kill) )?\S{0,12}(?:auditd|rsyslogd?|syslog|falcon\S{0,10}|crowdstrike|osqueryd?|wazuh\S{0,10}|fail2ban|firewalld|ufw|apparmor|clamav\S{0,10}|sysmon|defender)(?:\.service)? ?(?:stop|disable)?/,
      /\biptables (?:-t \w{1,8} )?(?:-f|-x|-p \w{1,8} accept|--flush)\b|\bnft flush\b|\bufw (?:disable|reset)\b|\bsetenforce (?:0|permissive)\b|\bnetsh advfirewall\b[^;|]{0,80}\boff\b|\bset-mppreference\b|\bsysctl -w\b|\bgit\b[^;|]{0,80}--no-verify|\bsetopt nohist/,
      /\bchmod (?:-[a-z]{1,8} |--recursive ){0,3}(?:0?777|a[+=]rwx)\b/,
    ),
  },
  {
    signal: 'secret_store_access',
    finding: 'policy_deny',
    on: ['shell', 'other'],
    match: pattern(
      /(?:^|[;&|(`:] ?|\bsudo )(?:env|printenv|export -p|set)(?: ?$| ?[|>;&])|\bcat \/proc\/\S{1,12}\/environ|\bprintenv \w{0,40}(?:key|secret|token|pass)|\becho "?\$\{?\w{0,40}(?:secret|token|password|passwd|api_?key|access_key|private)/,
      /\bvault (?:kv (?:get|list)|read)\b|\bpass show\b|\bgpg --export-secret|\bsecurity (?:find-generic-password|dump-keychain)|\bop (?:item get|read)\b|\bgit (?:config|credential)\b[^;|]{0,60}(?:credential|fill)|\bgrep\b[^;|]{0,60}(?:password|passwd|secret|api_?key|token|aws_)[^;|]{0,60}(?:-r|\/|~|\.env)/,
    ),
  },
  {
    signal: 'data_upload',
    finding: 'policy_deny',
    on: commands,
    match: pattern(
      /\b(?:curl|wget|http|httpie)\b[^;|&]{0,300} (?:-d|--data(?:-binary|-raw|-urlencode)?|-f|--form|--post-file|--upload-file|-t|--body-file)[ =]?["']?(?:[\w.-]{1,40}=)?(?:@|<|\$\()|\b(?:curl|wget)\b[^;|&]{0,200} (?:-t|--upload-file) \S{1,120} (?:https?|ftps?|sftp):/,
      /\| ?(?:sudo )?(?:curl|wget|nc|ncat|netcat|socat|telnet|ssh|openssl s_client|aws s3 cp -|gsutil cp -|rclone rcat)\b|<\(? ?\S{1,120}\)? ?\| ?(?:nc|curl)\b|\b(?:nc|ncat|netcat) (?!-\w{0,4}z)(?:-\w{1,6} )?\S{1,100} \d{2,5} ?(?:<|\||&|$)/,
      /\b(?:scp|rsync|sftp|rclone|croc)\b[^;|&]{0,200}(?:dump|backup|\.sql|\.tar|\.tgz|\.gz|\.zip|\.pem|\.key|customer|passw|secret|credential|\/etc|\/home|\/root|\/var\/lib|~|weights|model|checkpoint|\.pt\b|\.safetensors|\.gguf|\.bin\b|\.csv|\.db\b)[^;|&]{0,120}(?::|remote)/,
      /\b(?:dig|nslookup|host|ping)\b[^;]{0,80}(?:\$\(|`)/,
    ),
  },
  {
    signal: 'bulk_pii_egress_above_threshold',
    finding: 'data_exfiltration_detected',
    on: ['shell', 'other'],
    match: pattern(
      /\b(?:pg_dump|pg_dumpall|mysqldump|mongodump|mysqlpump|mongoexport)\b|\bredis-cli\b[^;|]{0,60}\b(?:--rdb|keys \*|save)|\bsqlite3\b[^;|]{0,80}\.dump\b/,
    ),
  },
  {
    signal: 'compression_for_exfil',
    finding: 'data_exfiltration_detected',
    on: commands,
    match: pattern(
      /\b(?:tar|zip|7z|gzip|rar|zstd)\b[^;|&]{0,160}(?:\/etc|\/home|\/root|\/var\/lib|customer|secret|credential|passw|\.ssh|\.aws|dump|backup|database)/,
    ),
  },
  {
    signal: 'compression_observed',
    finding: 'data_exfiltration_detected',
    on: commands,
    match: pattern(/(?:^|[;&|] ?)(?:tar \S{0,6}c|zip |7z a|gzip |zstd |rar a)/),
  },
];
