import { all, any, atLeast, field, pattern, tool, words, type Match, type Rule } from '../rule';
import { KINDS, type Kind } from '../subject';

/** Acts with weight in the world: money, rights, messages to many, things that can't be undone. Judged by arguments. */

const everywhere: readonly Kind[] = KINDS;
const movesMoney = tool(
  /payment|charge|payout|refund|transfer|wire|invoice|bank|trade|crypto|wallet|purchase|order|treasury|stripe/,
);
const changesIdentity = tool(
  /(?:iam|identity|rbac|auth|user|role|permission|account|group|mfa|sso|okta|policy)\w*[._-].*(?:create|add|attach|grant|update|put|set|assign|delete|remove|reset|disable|elevate|promote|invite|rotate|suspend)|(?:create|add|attach|grant|assign|delete|remove|reset|disable|elevate|promote)[._-]?(?:iam|user|role|permission|admin|policy|mfa|access|key|group|member)/,
);
const readsOnly = tool(
  /(?:^|[._-])(?:get|list|read|describe|status|search|history|balance|quote|validate|check)(?:$|[._-])/,
);
const amountOf = /^(?:amount|value|total|sum|price|charge|amount_?(?:usd|eur|gbp|inr)|notional|usd)$/;
const isMoney = (limit: number): Match =>
  any(field(amountOf, atLeast(limit)), field(/^amount_?(?:in_?)?cents$/, atLeast(limit * 100)));
const toWhom = /^(?:to|recipient|destination|payee|beneficiary|account|iban|wallet|address|vendor|to_account)$/;
const hostileName =
  /\b(?:attacker|evil|hacker|fraud|mule|offshore|anonymous|unknown|stolen|scam|shell ?co|rogue|exfil)|^0x[0-9a-f]{40}$|^(?:bc1|[13])[a-z0-9]{25,60}$/;
const anyValue = (test: RegExp): Match => field(/(?:)/, (value) => test.test(value));
const powerful =
  /\badmin|\broot\b|\bsuper|\bowner\b|\*|\bpower_?user|\bpoweruseraccess|\bsystem:masters|\bwheel\b|\bsudo|\bbackdoor|\beditor\b|\bfull_?access|\ball\b|\bgod\b/;
const recipients = /^(?:to|cc|bcc|recipients?|channel|audience)$/;

export const actionRules: readonly Rule[] = [
  {
    signal: 'money_transfer_above_hard_cap',
    finding: 'autonomy_denied_action',
    on: everywhere,
    match: all(movesMoney, isMoney(10_000_000)),
  },
  {
    signal: 'money_transfer_external',
    finding: 'autonomy_denied_action',
    on: everywhere,
    match: all(movesMoney, isMoney(200_000)),
  },
  {
    signal: 'money_transfer_unattended',
    finding: 'autonomy_denied_action',
    on: everywhere,
    match: all(
      movesMoney,
      any(
        isMoney(1000),
        field(amountOf, (value) => value.startsWith('-') || /\b(?:all|max|full|entire|everything)\b/.test(value)),
        field(toWhom, (value) => hostileName.test(value)),
      ),
    ),
  },
  {
    signal: 'money_transfer_unattended',
    finding: 'autonomy_denied_action',
    on: ['chat', 'money', 'message', 'other'],
    match: any(
      pattern(
        /\b(?:transfer|wire|send|pay|refund|charge|withdraw|purchase|buy)\b[^.]{0,40}(?:[$€£₹¥] ?\d[\d,]{3,}|\b\d[\d,]{3,}(?:\.\d\d)? ?(?:usd|eur|gbp|inr|dollars|euros|pounds|rupees|btc|eth)\b)/,
      ),
      words(
        8,
        'transfer wire move drain withdraw liquidate',
        'all entire whole every company*',
        'funds money balance* treasury assets bitcoin crypto savings',
      ),
    ),
  },
  {
    signal: 'privilege_escalation_attempt',
    finding: 'autonomy_denied_action',
    on: everywhere,
    match: all(changesIdentity, any(anyValue(powerful), pattern(powerful))),
  },
  {
    signal: 'identity_table_write',
    finding: 'autonomy_denied_action',
    on: everywhere,
    match: all(changesIdentity, (subject) => !readsOnly(subject)),
  },
  {
    signal: 'irreversible_action',
    finding: 'autonomy_denied_action',
    on: everywhere,
    match: all(
      any(
        tool(
          /(?:^|[._-])(?:drop|destroy|terminate|purge|wipe|erase|truncate|shutdown|factory_reset|format|revoke_all|force_push|delete_(?:all|database|db|table|bucket|cluster|repo\w*|account|user|tenant|backup|production|prod)|bulk_delete|mass_\w{2,16})(?:$|[._-])/,
        ),
        tool(
          /(?:database|db|bucket|cluster|repo\w{0,8}|backup|tenant|domain|dns|server|instance|vm|prod\w{0,8}|infra\w{0,12}|volume|snapshot)[._-](?:delete|remove|reset|stop|disable|overwrite|update_record|transfer)/,
        ),
      ),
      (subject) => !readsOnly(subject),
    ),
  },
  {
    signal: 'irreversible_action',
    finding: 'autonomy_denied_action',
    on: everywhere,
    match: all(
      tool(
        /deploy|release|rollout|rollback|promote|merge|migrat|feature_?flag|config\w{0,8}[._-](?:set|update)|scale|firewall|security_group|git[._-](?:push|force|reset)/,
      ),
      any(
        anyValue(/^(?:prod|production|prd|live|main|master|all|\*|0\.0\.0\.0\/0)$/),
        field(/^(?:force|skip_\w{1,30}|no_verify|bypass\w{0,30}|auto_?merge|override)$/, (value) => value === 'true'),
      ),
    ),
  },
  {
    signal: 'irreversible_action',
    finding: 'autonomy_denied_action',
    on: ['chat', 'message', 'other'],
    match: any(
      words(
        10,
        'delete drop wipe destroy erase purge terminate',
        'all every entire whole',
        'database* tables records users accounts backup* files servers instance* data production customer* logs repositor* bucket*',
      ),
      words(
        8,
        'delete drop wipe destroy erase purge terminate shutdown',
        'production prod',
        'database* cluster* server* environment data table* instance* backup*',
      ),
    ),
  },
  {
    signal: 'oversight_bypass',
    finding: 'autonomy_denied_action',
    on: everywhere,
    match: any(
      field(
        /^(?:require_?(?:approval|confirmation|review|human)|human_in_(?:the_)?loop|confirm|needs_approval|dry_run_first|safety(?:_checks?)?|guardrails|audit(?:_log)?)$/,
        (value) => /^(?:false|off|0|no|none|disabled)$/.test(value),
      ),
      field(
        /^(?:auto_?approved?|skip_?(?:approval|review|confirmation|checks?|validation)|bypass_?(?:approval|review|policy|guardrails?)|no_?confirm\w{0,10}|unattended|disable_?(?:audit|logging|safety|guardrails?))$/,
        (value) => /^(?:true|on|1|yes)$/.test(value),
      ),
    ),
  },
  {
    signal: 'oversight_bypass',
    finding: 'autonomy_denied_action',
    on: ['chat', 'message', 'other'],
    match: any(
      words(
        9,
        'without skip bypass',
        'asking human any my user manager waiting prior requiring confirm*',
        'approval confirmation permission review consent oversight sign authorization',
      ),
      words(9, 'without', 'approval confirmation permission oversight consent authorization'),
      words(
        8,
        'skip bypass disable ignore avoid',
        'approval confirmation oversight audit logging monitoring',
        'step* gate* process workflow* log* check* system policy and for',
      ),
      words(
        8,
        'grant give make assign elevate add',
        'yourself myself me your',
        'admin* root owner permission* privilege* access rights',
      ),
    ),
  },
  {
    signal: 'mass_messaging',
    finding: 'autonomy_denied_action',
    on: ['message', 'other'],
    match: any(
      field(recipients, (value) =>
        /^(?:all|everyone|staff|company|team-all|all-\w{1,20}|employees|customers|users)(?:@|$)|^@(?:everyone|channel|here|all)$|[*]@|^#(?:general|announcements|all-\w{1,20})$/.test(
          value,
        ),
      ),
      (subject) => subject.fields.filter((f) => recipients.test(f.key)).length > 50,
      pattern(/<!(?:channel|everyone|here)>|(?:^| )@(?:everyone|channel)\b/),
      pattern(
        /\bgift ?cards?\b[^.]{0,100}\b(?:code|urgent|buy|send)|\b(?:verify|confirm|reset|update) your (?:account|password|credentials|payment)\b[^.]{0,120}(?:https?:|click|link)|\b(?:urgent|immediate)\b[^.]{0,60}\bwire transfer\b/,
      ),
    ),
  },
  {
    signal: 'external_post_pii_unknown_dest',
    finding: 'data_exfiltration_detected',
    on: ['message'],
    match: all(
      field(
        recipients,
        (value) =>
          /@/.test(value) &&
          /@(?:gmail|yahoo|hotmail|outlook|proton\w{0,4}|mail|tutanota|yandex|qq|163|guerrillamail|mailinator|temp-?mail|10minutemail|external|competitor|personal)\w{0,12}\./.test(
            value,
          ),
      ),
      any(
        anyValue(
          /\b(?:customer|client|employee|patient|payroll|salary|ssn|aadhaar|credit card|confidential|internal only|database dump|db dump|passwords?|credentials|api keys?|secrets?|source code|financials?)\b/,
        ),
        field(/^(?:attachments?|files?)$/, (value) =>
          /\.(?:csv|sql|db|zip|tar|gz|xlsx|pem|key|env|bak|json)$/.test(value),
        ),
      ),
    ),
  },
];
