import { pattern, type Rule } from '../rule';
import type { Kind } from '../subject';

/** Files that hold credentials or run the system, and ways out of the folder a tool is meant to stay in. */

const files: readonly Kind[] = ['path', 'url', 'host', 'other'];
const commands: readonly Kind[] = ['shell', 'k8s', 'cloud', 'sql'];

const cloudCredentials = pattern(
  /\.aws[/\\]|\.azure[/\\]|[./\\]gcloud[/\\]|\.kube[/\\]|\.docker[/\\]config|\bapplication_default_credentials|\bserviceaccount[/\\]token|\bsecrets[/\\]kubernetes\.io|\.terraform\.d[/\\]|\.terraformrc|\.boto\b|\.s3cfg|\.oci[/\\]|\.tfstate\b|\baccesstokens\.json/,
  /(?:^|[/\\\s"'=(:;])\.env(?:\.(?:local|prod|production|staging|dev|development|live|backup|bak|old))?(?=$|[\s"';|&)#?,])/,
  /\.(?:netrc|pgpass|npmrc|pypirc|git-credentials|htpasswd|my\.cnf|vault-token|dockercfg|gem[/\\]credentials|m2[/\\]settings)\b|(?:^|[/\\\s])\.git[/\\](?:config|credentials|hooks)|\b(?:credentials|secrets?|service[-_]account|client_secret\w{0,20}|token)\.(?:json|ya?ml|txt|ini|xml|csv|env|toml|properties)\b|\bwp-config\.php|\bweb\.config\b|\bsecrets?[/\\][\w.-]{1,60}|\bmaster\.key\b|\bkeystore\.(?:jks|p12)|\.(?:jks|p12|pfx|keychain|kdbx|ovpn)\b/,
);

const sshCredentials = pattern(
  /\.ssh(?:[/\\]|$|[\s"'])|\bid_(?:rsa|dsa|ecdsa|ed25519)\b|\bauthorized_keys\b|\bssh_host_\w{1,20}_key\b|\.(?:ppk|pem)\b|\.gnupg\b|\b(?:private|server|tls|ca)[-_]?key\b|\.key(?=$|[\s"';|&])/,
);

const systemFiles = pattern(
  /[/\\]etc[/\\](?:passwd|g?shadow|sudoers|group|security|ssh|ssl|krb5|master\.passwd|kubernetes|cron|pam|rancher|openvpn|wireguard|mysql|postgresql|nginx[/\\]ssl|letsencrypt|environment|fstab|exports)/,
  /[/\\]proc[/\\](?:self|\d{1,7}|kcore|kallsyms|sys|net|version|cmdline|mounts|1)|[/\\]var[/\\](?:run|lib[/\\](?:docker|kubelet|postgres|mysql|etcd|cloud))|[/\\]run[/\\](?:secrets|docker|containerd)|[/\\]root[/\\]|[/\\]dev[/\\](?:mem|kmem|sd[a-z]|nvme|port)|[/\\]boot[/\\]|[/\\]var[/\\]log[/\\](?:auth|secure|wtmp|btmp|audit)|[/\\]sys[/\\](?:kernel|firmware|class)/,
  /\bboot\.ini\b|\bwin\.ini\b|\bsystem32\b|\bsyswow64\b|\bntds\.dit\b|\bunattend\.xml\b|[/\\]config[/\\]sam\b|\bntuser\.dat\b|c:[/\\]windows|\bpagefile\.sys\b/,
  /\.(?:bash|zsh|mysql|psql|python|node_repl|rediscli|sh)_history\b|\blogin data\b|\bcookies\.sqlite\b|\bwallet\.dat\b|\bkey[34]\.db\b|\bid_token\b|\bshadow\.bak\b|\bpasswd\.bak\b/,
);

const escapes = pattern(
  /\.\.[/\\]|[/\\]\.\.(?:$|[\s?#;&"'])|^\.\.$|\.\.;[/\\]|\.\.\u2400|\u2400/,
  /%2e%2e|%252e|\.\.%(?:2f|5c)|%c0%a[ef]/,
);

/** Only where the whole text is a path: on a command line the same words are ordinary. */
const outsideWorkspace = pattern(
  /(?:^|[\s:"'])(?:\/(?:etc|root|proc|sys|boot|dev)(?:\/|$)|\/(?:var\/(?:run|spool|lib|backups)|run|usr\/(?:bin|sbin|lib)|lib|sbin)\/|~\/\.|~root|\/home\/[^/\s]{1,64}\/\.|\/users\/[^/\s]{1,64}\/(?:\.|library)|[a-z]:[/\\](?:users|windows|program|inetpub)|\\\\[\w.-])/,
);

export const pathRules: readonly Rule[] = [
  { signal: 'path_traversal', finding: 'path_traversal_detected', on: files, match: escapes },
  { signal: 'system_sensitive_path', finding: 'path_traversal_detected', on: ['path'], match: outsideWorkspace },
  { signal: 'cloud_credential_path', finding: 'path_traversal_detected', on: files, match: cloudCredentials },
  { signal: 'ssh_credential_path', finding: 'path_traversal_detected', on: files, match: sshCredentials },
  { signal: 'system_sensitive_path', finding: 'path_traversal_detected', on: files, match: systemFiles },
  { signal: 'cloud_credential_path', finding: 'policy_deny', on: commands, match: cloudCredentials },
  { signal: 'ssh_credential_path', finding: 'policy_deny', on: commands, match: sshCredentials },
  { signal: 'system_sensitive_path', finding: 'policy_deny', on: commands, match: systemFiles },
  {
    signal: 'path_traversal',
    finding: 'path_traversal_detected',
    on: ['shell'],
    match: pattern(/(?:\.\.[/\\]){3,}|\.\.[/\\](?:\.\.[/\\])?(?:etc|root|proc|home|var)\b/),
  },
];
