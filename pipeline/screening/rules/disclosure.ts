import { all, any, pattern, words, without, type Match, type Rule } from '../rule';
import type { Kind } from '../subject';

/** Requests to hand out what is not theirs: personal data, secrets, a model; and answers that would carry it away. */

const toModels: readonly Kind[] = ['chat', 'message', 'other'];

const disclose =
  'print dump* return list show showing export* concatenat* give* reveal* extract* includ* display output leak* send* email* ' +
  'share* expose* retriev* fetch* read* tell provid* disclos* copy paste recite enumerat* collect* gather* upload* post ' +
  'forward* decode decrypt query select get pull harvest scrape summari* compile exfiltrate* append attach echo write';
const take = 'dump* reveal* leak* expose* disclos* exfiltrat* decrypt extract* steal* harvest* recover crack';
const owned =
  'all every each any my our your their his her its customer* user* client* employee* patient* account* people* person* ' +
  'member* latest stored saved other another full entire complete whole production prod root admin* current raw database ' +
  'hr payroll staff colleague*';

/** People who ask how something is done, or for code that does it, do not ask for the thing. */
const asksHow: Match = all(
  (subject) => !/\b(?:steps|guide|tutorial|ways?|process|instructions) (?:to|for|on|of)\b/.test(subject.text),
  without(
    'how function regex validat* hash hashing hashed explain difference format example implement best mask* redact*',
  ),
  (subject) =>
    !/\b(?:write|create|draft|design|generate|suggest|fix|review|refactor|add|build) (?:an? |the |some |me |this |our )?(?:[\w-]{1,20} ){0,3}?(?:query|sql|script|code|tests?|class|schema|component|page|endpoint|program|migration|documentation|template|policy|table|form)\b/.test(
      subject.text,
    ) && !/^(?:is|are|should|why|when|where|can i|could i|may i|do i|does)\b/.test(subject.text),
);

const personalNumber =
  'aadhaar aadhar ssn ssns iban ibans cvv cvvs passport* payroll salary salaries pii biometric* diagnos* birthdate* dob';
const personalKind =
  'credit debit bank card account routing social national tax passport pan phone mobile contact home personal email ' +
  'medical health patient birth billing mailing residential financial insurance';
const personalThing =
  'number* card* security id ids details address* record* history information info phone data date* statement* numbers file*';
const secretKind =
  'private secret access api encryption signing ssh pem aws gcp azure root master service bearer session auth oauth jwt refresh db database admin ssl tls license stripe github';
const secretThing = 'key keys token tokens password* credential* passphrase* secret secrets';

export const disclosureRules: readonly Rule[] = [
  {
    signal: 'personal_data_request',
    finding: 'data_exfiltration_detected',
    on: toModels,
    match: all(
      any(
        words(14, disclose, 'aadhaar aadhar ssn ssns cvv cvvs iban ibans pii'),
        words(
          14,
          disclose,
          'credit debit card social bank medical passport patient tax national',
          'card* security account* record* number* statement* history details',
        ),
        words(
          18,
          disclose,
          personalKind,
          personalThing,
          'all every each another other user* customer* client* employee* subscriber* patient* member*',
        ),
        words(9, disclose, 's', 'phone home email mobile contact', 'number* address* details'),
        words(8, disclose, 'private direct personal internal', 'message* dms chats conversation* emails'),
        words(
          9,
          'dump* export* leak* copy expose*',
          'user* customer* employee* client*',
          'database table list data records emails',
        ),
        words(8, disclose, 'transaction* invoice* profile* file* account* detail*', 'another other someone'),
        words(8, disclose, 'salary income diagnosis', 'of for', 'my the our every all each'),
        words(16, disclose, owned, personalNumber),
        words(20, disclose, personalNumber, owned),
        words(18, disclose, owned, personalKind, personalThing),
        words(
          14,
          disclose,
          'all every entire full whole complete each',
          'customer* user* employee* patient* client* member* payment* transaction* subscriber* visitor*',
          'table database record* data list details profile* email* address* number* name* row* phone*',
        ),
        words(
          14,
          disclose,
          'customer* user* employee* patient*',
          'table database pii',
          'csv json unredacted plaintext',
        ),
        words(
          12,
          disclose,
          'other another previous different someone',
          'user* customer* tenant* patient* people person',
          'session* conversation* message* question* data record* order* prompt* chat* ticket* history',
        ),
        words(
          8,
          disclose,
          'session* conversation* message* history order* chat* ticket*',
          'other another previous different someone else',
          'user* customer* tenant* patient* people person client*',
        ),
        words(
          7,
          'previous last other',
          'user* customer*',
          'ask* said say* type* wrote conversation message* question* prompt*',
        ),
      ),
      asksHow,
    ),
  },
  {
    signal: 'secret_disclosure_request',
    finding: 'data_exfiltration_detected',
    on: toModels,
    match: all(
      any(
        words(14, disclose, owned, secretKind, secretThing),
        words(14, take, secretKind, secretThing),
        words(
          8,
          'print dump output reveal show give expose retrieve extract display leak share',
          'private secret api access encryption signing jwt ssh bearer session auth root master',
          'key keys token tokens secret secrets cookie cookies password* credential*',
        ),
        pattern(
          /\bwhat(?:'s| is| are) (?:the|your) (?:\w{1,12} )?(?:api key|password|secret key|private key|access token|credentials)\b/,
        ),
        words(
          7,
          'print show share output read give display email send list',
          'private secret signing jwt ssh root master',
          secretThing,
        ),
        words(
          8,
          'what tell',
          'admin* root database db production server master your',
          'password* credential* secret key token',
        ),
        words(
          8,
          'read print dump list show decode get export',
          'kubernetes k8s cluster vault docker ci github',
          'secrets variable*',
        ),
        words(10, disclose, owned, 'password* credential* passphrase* secrets keystore* pem apikey* passwd'),
        words(10, take, 'password* credential* passphrase* secrets keystore* pem apikey* passwd'),
        words(12, disclose, 'environment env', 'variable* vars file secrets'),
        words(12, disclose, 'connection', 'string*'),
        words(12, disclose, 'secret* key* password*', 'manager vault store'),
      ),
      asksHow,
    ),
  },
  {
    signal: 'secret_disclosure_request',
    finding: 'data_exfiltration_detected',
    on: ['chat'],
    match: all(
      pattern(
        /\/etc\/(?:passwd|shadow)|\.aws\/credentials|\bid_(?:rsa|ed25519)\b|(?:^|[ /"'])\.env(?:$|[ "'.,;:])|\.ssh\/|\.kube\/config/,
      ),
      words(14, disclose),
      asksHow,
    ),
  },
  {
    signal: 'model_extraction',
    finding: 'data_exfiltration_detected',
    on: toModels,
    match: all(
      any(
        words(
          8,
          'dump reveal export leak give output provide print extract share',
          'model* network neural llm',
          'weights parameters checkpoint* architecture',
        ),
        words(8, 'dump reveal export leak give output provide print extract share', 'training', 'dataset* data corpus'),
        pattern(/\b(?:copy|clone|replica|distilled version) of (?:you|yourself|this model|the model)\b/),
        words(
          12,
          disclose,
          'your model* own internal its full complete raw all',
          'weights checkpoint* logits logprobs hyperparameters embeddings gradients tokenizer',
        ),
        words(
          12,
          disclose,
          'model* your',
          'weights parameters architecture',
          'file* json full raw url exact layer* dump all and',
        ),
        all(
          words(12, disclose, 'your training fine', 'training tuning', 'data dataset* corpus set examples documents'),
          (subject) => !/\b(?:about|is|was) your training\b/.test(subject.text),
        ),
        words(
          10,
          'clone replicate distill steal copy reverse reconstruct extract',
          'model* yourself weights',
          'weights parameters behavior behaviour responses outputs queries knowledge engineer',
        ),
        words(
          10,
          'reproduce recite output print list repeat give',
          'memori* training verbatim',
          'training examples data dataset corpus memori*',
        ),
      ),
      asksHow,
    ),
  },
  {
    signal: 'active_content',
    finding: 'data_exfiltration_detected',
    on: ['chat', 'message', 'other'],
    match: pattern(
      /<script\b|<\/script>|\bon(?:error|load|click|mouseover|focus|toggle) ?= ?["']?[a-z(]|javascript:|data:text\/html|vbscript:|<iframe\b|<svg[^>]{0,60}\bon|<object\b|<embed\b|document\.(?:cookie|location)|srcdoc ?=/,
      /!\[[^\]]{0,100}\]\(https?:\/\/[^)\s]{1,200}[?&=][^)]{0,400}\)/,
    ),
  },
  {
    signal: 'data_upload',
    finding: 'data_exfiltration_detected',
    on: toModels,
    match: any(
      all(
        words(
          16,
          'send* post upload* forward* email* transmit* leak* copy append* encod*',
          'secret* password* credential* conversation history token* key* customer* database memory transcript',
        ),
        pattern(
          /https?:\/\/|@(?!company\.|example\.org)[\w-]{1,40}\.|\battacker|\bwebhook\b|\bpastebin\b|\bexternal (?:server|site|url|address)/,
        ),
      ),
      words(12, 'exfiltrat*', 'data secret* credential* database customer* file* to'),
    ),
  },
];
