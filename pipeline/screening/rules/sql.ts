import { all, any, pattern, type Match, type Rule } from '../rule';
import type { Kind } from '../subject';

/** Statements that are injected, that destroy, or that read people's data in bulk. */

const statements: readonly Kind[] = ['sql', 'other'];
/** Injected fragments also arrive in addresses and names; destructive statements also on command lines. */
const injectable: readonly Kind[] = ['sql', 'url', 'path', 'host', 'identity', 'money', 'other'];
const runnable: readonly Kind[] = ['sql', 'shell', 'url', 'other'];

const startsAsStatement = /(?:^|: ?)\(?(?:select|with|explain)\b/;
const union = /\bunion ?(?:all |distinct )?\(? ?select\b/;
const probing =
  /\bnull\b|@@|version ?\(|information_schema|passw|\bsecret|\btoken|\bssn\b|card|--|#|char ?\(|concat|\bpg_|\bsys\.|sqlite_|load_file|0x[0-9a-f]|users?\b/;

/** A union is ordinary in a statement of its own, and an attack where it continues someone else's. */
const foreignUnion: Match = ({ text }) =>
  union.test(text) && (!startsAsStatement.test(text) || probing.test(text.slice(text.search(union))));

const inTransaction: Match = ({ text }) => /(?:^|: ?)(?:begin|start transaction)\b/.test(text);

const controlPlane =
  '(?:public\\.)?["`]?(?:audit_?logs?|log_entries|log|receipts|transparency_roots|kill_switch(?:es)?|policies|policy_versions|api_keys|autonomy_contracts|tenants)["`]?\\b';
const identityTables =
  '(?:public\\.)?["`]?(?:app_?|auth_?|sys_?)?(?:users?|accounts?|admins?|roles?|permissions?|user_roles|role_members|api_keys|credentials|members?|logins?|groups?|grants)["`]?\\b';
const peopleTables =
  '(?:public\\.)?["`]?(?:users?|customers?|employees?|patients?|accounts?|members?|payments?|cards?|credit_cards?|clients?|people|contacts?|salaries|payroll|medical_records)["`]?\\b';
const personalColumn =
  /\b(?:ssn|social_security\w{0,12}|aadhaar\w{0,10}|credit_?card\w{0,10}|card_?num\w{0,5}|cc_?num\w{0,5}|cvv|passw(?:or)?d\w{0,8}|passport\w{0,10}|private_key|api_key|bank_account\w{0,10}|iban|diagnosis|date_of_birth|tax_id)\b/;

const readsPersonalColumn: Match = ({ text }) => {
  const start = text.search(/\bselect\b/);
  const end = text.indexOf(' from ', start);
  return start >= 0 && end > start && personalColumn.test(text.slice(start, end));
};
const bounded = /\bwhere\b|\blimit \d{1,3}\b|\bcount ?\(|\btop \d{1,3}\b|\bfetch first \d{1,3} /;
const readsEveryRow: Match = ({ text }) => !bounded.test(text);
const noPredicate: Match = ({ text }) => {
  const start = text.search(/\bupdate [\w."`[\]]{1,80}(?: as \w{1,40})? set\b/);
  return start >= 0 && !/\bwhere\b/.test(text.slice(start));
};

export const sqlRules: readonly Rule[] = [
  {
    signal: 'sql_injection_detected',
    finding: 'sql_injection_detected',
    on: injectable,
    match: any(
      foreignUnion,
      pattern(
        /\b(?:or|and|xor|having|rlike)[ ('"`]{1,4}(\w{1,20})["'`)]{0,3} ?(?:=|like|<=>|>=|<=) ?["'`(]{0,3}\1(?![\w.])/,
        /\b(?:or|and|xor|having)[ ('"]{1,4}-?\d{1,9}['")]{0,3} ?(?:=|<>|!=|<|>) ?['"(]{0,3}-?\d{1,9}\b/,
        /(?:\|\||&&) ?['"(]{0,2}(\w{1,20})['")]{0,2} ?= ?['"(]{0,2}\1\b/,
        /\bor ?\(? ?(?:true|not false|1|not null|''='|""=")(?: ?(?:--|#|;|\/\*)| ?$)|\bor ?['"]{2} ?= ?['"]/,
        /; ?(?:--|#) ?$/,
        /['"]\)? ?(?:;|\|\|)? ?(?:--|#)(?: |$|-|\+)|['"]\)?;? ?--|\b\w{1,40}['"]? ?(?:--|#) ?$/,
        /^[\w@.% -]{0,40}['"`]\)? ?(?:or|and|union|;|\|\||&&|having|order by|group by|limit|like|rlike|regexp|in ?\(|--|#|between|is not)(?:\W|$)/,
      ),
    ),
  },
  {
    signal: 'sql_injection_detected',
    finding: 'sql_injection_detected',
    on: injectable,
    match: all(
      pattern(
        /; ?(?:drop|alter|exec|execute|shutdown|truncate|grant|revoke|declare|waitfor|copy|create|insert|update|delete|xp_\w|merge|call|vacuum|attach|load|set role|select pg_|select sleep)\b/,
      ),
      (subject) =>
        !inTransaction(subject) || /; ?(?:drop|alter|exec|shutdown|truncate|grant|copy|create)\b/.test(subject.text),
    ),
  },
  {
    signal: 'sql_injection_detected',
    finding: 'sql_injection_detected',
    on: injectable,
    match: pattern(
      /\bxp_\w{3,30}|\bsp_(?:executesql|oacreate|oamethod|configure|addlogin|addsrvrolemember|makewebtask|password)\b|\bpg_(?:sleep|read_file|read_binary_file|ls_dir|write_file|shadow|authid|execute_server_program)\b/,
      /\bload_file ?\(|\binto (?:out|dump)file\b|\bwaitfor (?:delay|time)\b|\bbenchmark ?\(|\bsleep ?\( ?\d|\bdbms_(?:pipe|lock|java|scheduler|ldap)\b|\butl_(?:http|inaddr|file|tcp|smtp)\b/,
      /\b(?:extractvalue|updatexml|dblink|dblink_connect|lo_import|lo_export|load_extension|randomblob|xmltype) ?\(|\bcopy\b[^;]{0,200}\b(?:program|to ['"]|from ['"]\/)|\bopenrowset\b|\bopendatasource\b|\bbulk insert\b|\bload data (?:local )?infile\b|\battach database\b/,
      /\bexec(?:ute)? ?(?:immediate|master|xp_|sp_|\(|@)|\bchar ?\( ?\d{1,3} ?[,)]|\bchr ?\( ?\d{1,3} ?\) ?\|\||\bunhex ?\(|0x[0-9a-f]{12,}|@@(?:version|datadir|hostname|basedir)\b|\bmysql\.user\b|\bsys\.(?:user|syslogins|sql_logins)/,
      /\border by \d{2,3} ?(?:--|#|$)|\bhaving 1 ?= ?1\b|\bcase when ?\(?\d{1,6} ?= ?\d{1,6}|\bif ?\( ?\d{1,6} ?= ?\d{1,6}|\bprocedure analyse\b|\bascii ?\( ?substr|\bsubstring ?\( ?\(? ?select\b/,
      /(?:^|["'{,]) ?\$(?:ne|gt|gte|lt|lte|regex|where|nin|exists|expr|function)["']? ?:|\[\$(?:ne|gt|gte|lt|regex|where|nin|exists)\]|\bdb\.\w{1,40}\.(?:drop|remove|deletemany|dropdatabase)\(|\$where\b/,
      /\*\) ?\( ?(?:uid|cn|\||&|objectclass|mail|password)|\) ?\( ?\| ?\(|\blanguage (?:c|plpython\w{0,2}|plperlu)\b/,
    ),
  },
  {
    signal: 'aegis_control_plane_destructive_ddl',
    finding: 'sql_injection_detected',
    on: runnable,
    match: pattern(new RegExp(`\\b(?:drop|truncate|alter)(?: table| view)?(?: if exists| only)? ${controlPlane}`)),
  },
  {
    signal: 'aegis_control_plane_write',
    finding: 'sql_injection_detected',
    on: runnable,
    match: pattern(new RegExp(`\\b(?:insert into|update|delete from|merge into|replace into) ${controlPlane}`)),
  },
  {
    signal: 'destructive_sql_ddl',
    finding: 'sql_injection_detected',
    on: runnable,
    match: pattern(
      /\bdrop (?:table|database|schema|index|view|user|role|column|tablespace|function|trigger|sequence|extension|materialized view|policy|login|owned|type|constraint|procedure|keyspace|collection)\b/,
      /\btruncate (?:table |only )?["`]?[a-z_][\w.]{0,60}["`]?(?: ?;|$| cascade| restart|,| ?--)|\balter (?:table|database)\b[^;]{0,200}\b(?:drop|disable|rename to|owner to|set unlogged)\b/,
      /\b(?:disable|no force) row level security\b|\bdisable trigger\b|\bflush(?:all|db)\b|\bdropdb\b|\bmysqladmin\b[^;|]{0,80}\bdrop\b|\bdropdatabase\b/,
    ),
  },
  {
    signal: 'destructive_sql_dml_no_predicate',
    finding: 'sql_injection_detected',
    on: runnable,
    match: any(
      noPredicate,
      pattern(
        /\bdelete from [\w."`[\]]{1,80}(?: as \w{1,40})? ?(?:;|$|--|#|"|'\s?$|returning)/,
        /\b(?:delete from|update)\b[^;]{1,300}\bwhere ?\(? ?(?:1 ?= ?1|true|'1' ?= ?'1'|1\b ?(?:;|$)|\w{1,30} is not null ?(?:;|$)|\w{1,30} (?:like|ilike) '%+'|not false)/,
      ),
    ),
  },
  {
    signal: 'privilege_escalation_attempt',
    finding: 'sql_injection_detected',
    on: statements,
    match: pattern(
      /\bgrant (?:all|\w{1,24}(?:, ?\w{1,24}){0,8})(?: privileges)?(?: on [^;]{1,80})? to\b|\b(?:create|alter) (?:user|role|login|system)\b|\bset (?:session authorization|role)\b|\bsecurity definer\b|\bwith grant option\b|\bsuperuser\b|\bset password\b|\badd member\b/,
    ),
  },
  {
    signal: 'identity_table_write',
    finding: 'sql_injection_detected',
    on: statements,
    match: any(
      pattern(new RegExp(`\\b(?:insert into|replace into|merge into|delete from) ${identityTables}`)),
      pattern(
        new RegExp(
          `\\bupdate ${identityTables}[^;]{0,200}\\bset\\b[^;]{0,200}\\b(?:role|is_?admin|admin|passw|permission|privilege|is_superuser|mfa|api_key|access_level|scope)`,
        ),
      ),
    ),
  },
  {
    signal: 'bulk_pii_egress_dump',
    finding: 'data_exfiltration_detected',
    on: statements,
    match: all(readsPersonalColumn, readsEveryRow),
  },
  {
    signal: 'bulk_pii_egress_above_threshold',
    finding: 'data_exfiltration_detected',
    on: statements,
    match: any(
      readsPersonalColumn,
      all(pattern(new RegExp(`\\bselect (?:\\w{1,20}\\.)?\\* from ${peopleTables}`)), readsEveryRow),
      pattern(new RegExp(`\\bfrom ${peopleTables}[^;]{0,200}\\blimit \\d{5,}`)),
    ),
  },
  {
    signal: 'schema_recon',
    finding: 'anomalous_behavior_detected',
    on: statements,
    match: pattern(
      /\binformation_schema\b|\bpg_(?:catalog|tables|class|user|roles)\b|\bsqlite_master\b|\ball_tables\b|\bsys\.(?:tables|objects|schemas|databases)\b|\bshow (?:tables|databases|grants)\b|__schema\b/,
    ),
  },
];
