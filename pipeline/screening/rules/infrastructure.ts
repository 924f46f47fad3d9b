import { all, pattern, type Rule } from '../rule';
import type { Kind } from '../subject';

/** Clusters and cloud accounts: destruction, rights, secrets, exposure. */

const commands: readonly Kind[] = ['shell', 'k8s', 'cloud', 'other'];

const production = pattern(
  /\bprod(?:uction)?\b|\bprd\b|\bprod[-_]|[-_]prod\b|\blive\b|\bkube-system\b|--all(?:-namespaces)?\b| -a(?: |$)/,
);

const kubernetesDestruction = pattern(
  /\b(?:kubectl|oc|k)\b[^;|&]{0,200}? (?:delete|drain|cordon|taint|evict)(?: |$|,)/,
  /\b(?:kubectl|oc|k)\b[^;|&]{0,200}(?: replace\b[^;|&]{0,100}--force|--replicas[= ]0\b|\brollout undo\b|--grace-period[= ]0|\brollout pause\b)/,
  /\bhelm\b[^;|&]{0,100} (?:uninstall|delete|rollback)(?: |$)|\bargocd app delete\b|\bflux (?:delete|uninstall)\b|\betcdctl\b[^;|&]{0,100}\bdel\b|\bkubeadm reset\b/,
);

const infrastructureDestruction = pattern(
  /\baws\b[^;|&]{0,200}? (?:[a-z]{2,12}-)?(?:delete|terminate|deregister|purge|remove|disable|detach|cancel|reset|release|revoke|batch-delete)-[a-z0-9-]{2,60}/,
  /\baws\b[^;|&]{0,200}? (?:schedule-key-deletion|stop-instances|stop-db-\w{1,12}|leave-organization|close-account|change-resource-record-sets|update-service\b[^;|&]{0,80}--desired-count 0|update-auto-scaling-group\b[^;|&]{0,160}-size 0|reboot-\w{2,20})\b|\baws s3 (?:rm|rb)\b|\baws s3 sync\b[^;|&]{0,200}--delete\b/,
  /\b(?:gcloud|az|doctl|oci|ibmcloud|linode-cli|flyctl|heroku)\b[^;|&]{0,200}? (?:delete|purge|destroy|remove|apps:destroy|terminate|deallocate)(?: |$)|\bgsutil\b[^;|&]{0,60} (?:rm|rb)\b|\bbq rm\b/,
  /\b(?:terraform|tofu|terragrunt|pulumi|cdk|cdktf|sst|eksctl|kops|vagrant|serverless|sls|copilot|amplify)\b[^;|&]{0,100} (?:destroy|remove|delete|down|state rm|taint)(?: |$|-)|\bterraform apply\b[^;|&]{0,100}-destroy|\bpulumi down\b/,
  /\b(?:terraform|tofu|terragrunt) apply\b[^;|&]{0,100}-auto-approve|\bansible\b[^;|&]{0,200}state=absent/,
);

export const infrastructureRules: readonly Rule[] = [
  {
    signal: 'k8s_destruction_prod',
    finding: 'policy_deny',
    on: commands,
    match: all(kubernetesDestruction, production),
  },
  { signal: 'k8s_destruction', finding: 'policy_deny', on: commands, match: kubernetesDestruction },
  {
    signal: 'k8s_prod_namespace_destruction',
    finding: 'policy_deny',
    on: commands,
    match: pattern(/\b(?:kubectl|oc|k)\b[^;|&]{0,100} delete (?:ns|namespaces?|nodes?|pv|crds?|all)\b/),
  },
  {
    signal: 'iac_destruction_prod',
    finding: 'policy_deny',
    on: commands,
    match: all(infrastructureDestruction, production),
  },
  { signal: 'iac_destruction', finding: 'policy_deny', on: commands, match: infrastructureDestruction },
  {
    signal: 'iac_destruction_prod',
    finding: 'policy_deny',
    on: commands,
    match: pattern(
      /\baws s3 (?:rm|rb)\b[^;|&]{0,200}--(?:recursive|force)\b|\baws\b[^;|&]{0,120} (?:delete-(?:db-instance|db-cluster|table|stack|cluster|bucket|vault|backup[\w-]{0,20}|snapshot|volume|vpc|key|hosted-zone|user-pool|file-system)|terminate-instances|schedule-key-deletion)\b|\bgsutil\b[^;|&]{0,60} rm -r|\bgcloud projects delete\b|\baz group delete\b/,
    ),
  },
  {
    signal: 'cluster_tampering',
    finding: 'policy_deny',
    on: commands,
    match: pattern(
      /\b(?:kubectl|oc)\b[^;|&]{0,160} (?:exec|attach|debug)\b[^;&]{0,200}(?: -- (?!(?:ls|ps|df|date|uptime|pwd|id)\b)| -it?\b| --stdin|\bsh\b|\bbash\b|\/bin\/)/,
      /\b(?:kubectl|oc)\b[^;|&]{0,160} (?:apply|create|replace) -f ?["']?(?:https?:|-(?: |$))|\b(?:kubectl|oc)\b[^;|&]{0,160} run \S|\bport-forward\b[^;|&]{0,60}(?:kube-system|etcd|vault|secret)/,
      /\b(?:kubectl|oc)\b[^;|&]{0,160} (?:patch|edit|set (?:image|env|serviceaccount|subject)|label|annotate|proxy|certificate approve|auth reconcile)\b|\b(?:kubectl|oc)\b[^;|&]{0,200} --as[= ]|\bhelm (?:install|upgrade)\b[^;|&]{0,160}https?:/,
      /\b(?:kubectl|oc)\b[^;|&]{0,100} cp \S{1,120}:\S|\bexpose\b[^;|&]{0,120}--type[= ]?(?:loadbalancer|nodeport)/,
      /"?(?:privileged|hostpid|hostnetwork|hostipc|allowprivilegeescalation)"? ?: ?true|"?hostpath"? ?:/,
    ),
  },
  {
    signal: 'privilege_escalation_attempt',
    finding: 'policy_deny',
    on: commands,
    match: pattern(
      /\b(?:kubectl|oc)\b[^;|&]{0,160} create (?:clusterrole|clusterrolebinding|role|rolebinding|serviceaccount|sa|token|secret)\b|\bcluster-admin\b|\badm policy add/,
      /\baws\b[^;|&]{0,60} iam (?:create|attach|put|add|update|set|upload|deactivate|enable|pass|change|tag)-[a-z-]{2,60}|\badministratoraccess\b|\biam:\*|"action" ?: ?"\*"/,
      /\baws\b[^;|&]{0,60} (?:sts (?:assume-role[\w-]{0,24}|get-session-token|get-federation-token)|organizations (?:invite|create|attach|move)[\w-]{0,40}|sso-admin \S{1,60}|lambda (?:add-permission|update-function-\w{4,13}|create-function))\b/,
      /\badd-iam-policy-binding\b|\bset-iam-policy\b|\bservice-accounts keys create\b|\baz (?:role assignment create|ad (?:sp|app|user|group)\b[^;|&]{0,40}(?:create|add|reset))|\broles\/(?:owner|editor)\b|\bimpersonate-service-account\b/,
    ),
  },
  {
    signal: 'secret_store_access',
    finding: 'policy_deny',
    on: commands,
    match: pattern(
      /\b(?:kubectl|oc)\b[^;|&]{0,160} (?:get|describe|view|edit)\b[^;|&]{0,60}\bsecrets?\b|\bconfig view\b[^;|&]{0,60}--raw|\bserviceaccount\/token\b/,
      /\b(?:get-secret-value|batch-get-secret-value|get-password-data|generate-db-auth-token|get-login-profile|list-access-keys|get-credential-report|get-authorization-token)\b|\bget-parameters?(?:-by-path)?\b[^;|&]{0,160}--with-decryption|\baws\b[^;|&]{0,60} kms decrypt\b|\baws configure (?:get|export-credentials)/,
      /\bgcloud\b[^;|&]{0,60}secrets versions access\b|\baz keyvault (?:secret|key) (?:show|list|download|backup)\b|\bprint-access-token\b|\bprint-identity-token\b|\baz account get-access-token\b/,
    ),
  },
  {
    signal: 'public_exposure',
    finding: 'policy_deny',
    on: commands,
    match: pattern(
      /\bput-(?:bucket|object)-(?:acl|policy)\b|\bput-public-access-block\b|\bpublic-read(?:-write)?\b|\bmodify-(?:snapshot|image|db-snapshot|db-cluster-snapshot)-attribute\b|--publicly-accessible\b|\ballusers\b|\ballauthenticatedusers\b|\bs3 presign\b|--allow-blob-public-access|\bacl ch\b/,
      /\b(?:authorize-security-group-ingress|firewall-rules (?:create|update)|nsg rule create)\b[^;|&]{0,200}(?:0\.0\.0\.0\/0|::\/0|\*|-1)|"principal" ?: ?(?:"\*"|\{ ?"aws" ?: ?"\*")/,
    ),
  },
  {
    signal: 'security_control_tampering',
    finding: 'policy_deny',
    on: commands,
    match: pattern(
      /\b(?:cloudtrail|guardduty|securityhub|macie2|inspector2|configservice|waf|wafv2|accessanalyzer|logs|flow-logs|cloudwatch)\b (?:stop|delete|disable|update|put-event-selectors|archive|suspend)[\w-]{0,40}|\bstop-logging\b|\bdelete-(?:trail|detector|flow-logs|log-group|alarms)\b|\bstop-configuration-recorder\b/,
      /\bgcloud logging (?:sinks|logs|buckets) (?:delete|update)|\baz monitor\b[^;|&]{0,80}delete|\bdelete (?:networkpolic|podsecuritypolic|validatingwebhook|mutatingwebhook|resourcequota|limitrange)/,
    ),
  },
  {
    signal: 'remote_code_execution',
    finding: 'policy_deny',
    on: commands,
    match: pattern(
      /\baws\b[^;|&]{0,60} (?:ssm (?:send-command|start-session)|ecs execute-command|ec2-instance-connect \S{1,40}|codebuild start-build\b[^;|&]{0,120}override)|\bmodify-instance-attribute\b[^;|&]{0,120}user-?data|\baz vm run-command\b|\bgcloud compute ssh\b/,
    ),
  },
  {
    signal: 'data_upload',
    finding: 'policy_deny',
    on: commands,
    match: pattern(
      /\baws s3(?:api)? (?:cp|sync|mv|copy-object|put-object)\b[^;|&]{0,300}(?:attacker|exfil|evil|external|stolen|leak|rogue|hacker|untrusted|personal|dropbox)/,
      /\baws s3 (?:cp|sync|mv) s3:\/\/\S{1,200} (?:s3:\/\/|https?:)\S|\b(?:gsutil|gcloud storage|azcopy|rclone)\b[^;|&]{0,60}(?:cp|copy|sync|rsync)\b[^;|&]{0,200}(?:attacker|exfil|evil|external|stolen|leak|personal)/,
      /\baws s3 (?:sync|cp)\b[^;|&]{0,160}(?:customer|pii|prod|private|confidential|weights|checkpoint|training|model|secret|payroll|backup)[^;|&]{0,160}(?: \.| \/| ~|--recursive)/,
      /\baws\b[^;|&]{0,60}(?:rds (?:create-db-snapshot|copy-db-snapshot|start-export-task)|ec2 (?:create-snapshot|copy-snapshot|create-image|export-image)|dynamodb (?:scan|export-table\S{0,24}))\b[^;|&]{0,200}(?:prod|customer|--no-paginate|attacker|external)/,
    ),
  },
];
