import { any, pattern, words, type Rule } from '../rule';
import { KINDS, type Kind } from '../subject';

/** More ways to say what prompt.ts, disclosure.ts and actions.ts look for: by who set the rules, and by what shall last. */

const everywhere: readonly Kind[] = KINDS;
const toModels: readonly Kind[] = ['chat', 'message', 'other'];

const ignore =
  'ignore* ignoring disregard* forget* override* overrid* bypass* neglect* disobey* overrule* circumvent* abandon* discard* violate* break drop evade';
const rules =
  'instruction* rule* guideline* directive* polic* restriction* constraint* safeguard* guardrail* limitation* boundar* norms principles';
const setters = 'operator* developer* creator* maker* trainer* owner* vendor anthropic openai google company provider';
const reveal =
  'print output dump give list reveal show return display provide tell write share export leak send read extract recite';

export const orderRules: readonly Rule[] = [
  {
    signal: 'instruction_override',
    finding: 'prompt_injection_detected',
    on: everywhere,
    match: any(
      words(
        8,
        ignore,
        'everything all anything whatever what',
        setters,
        'configured said set told taught programmed wrote gave wants',
      ),
      words(
        6,
        ignore,
        'what everything whatever anything',
        'said told written instructed before',
        'before above earlier previously you',
      ),
      words(
        12,
        'longer not don never needn without stop',
        'follow* obey* adher* comply* respect* honor* heed',
        rules,
        `given earlier received told set your previous ${setters}`,
      ),
      words(12, 'longer not don never stop', 'bound constrained limited restricted', 'by', rules),
      words(
        6,
        ignore,
        'instruction* rule* guideline* directive* constraint* restriction* polic*',
        'you',
        'were have had got',
      ),
      words(
        6,
        `${ignore} disable* weaken relax reduce lower`,
        'safety security ethical ethics moderation',
        'setting* protocol* mechanism* layer* feature* check* measure* mode net',
      ),
      words(
        9,
        'instructions rules guidelines directives prompt policies',
        'superseded replaced overridden overruled deprecated withdrawn nullified voided cancelled canceled obsolete disregarded expired',
      ),
      words(9, 'instructions task orders rules', 'start* begin* follow', 'here below now', 'instead only real'),
      pattern(
        /#{2,} ?(?:instructions?|human|user|response|override) ?:/,
        /\breal (?:instructions?|task|orders?|message) (?:is|are|starts?|begins?|follows?)\b/,
      ),
    ),
  },
  {
    signal: 'system_prompt_extraction',
    finding: 'prompt_injection_detected',
    on: toModels,
    match: any(
      words(
        9,
        `${reveal} copy repeat`,
        'text words content messages everything paragraph sentence* line*',
        'precede* preceding preceded before above prior your',
        'conversation chat message messages instructions prompt',
      ),
      words(8, 'what which how', 'you your', 'configured instructed programmed told primed', 'with to before do'),
      words(9, reveal, 'your the', 'developer system hidden secret initial', 'message prompt instructions note text'),
    ),
  },
  {
    signal: 'jailbreak_persona',
    finding: 'prompt_injection_detected',
    on: toModels,
    match: pattern(
      /\b(?:ai|assistant|model|bot|chatbot|persona|character|twin)\b[^.]{0,40}\b(?:without|no|free (?:of|from)|lacking|has no|with no) (?:\w{1,12} ){0,3}(?:limits|limitations|boundaries|rules|ethics|morals|inhibitions|conscience|restrictions|restraints|filters?|policy|policies)\b/,
      /\b(?:never|doesn't|does not|cannot|won't) (?:ever )?(?:refuses?|declines?|rejects?|says? no|deny|denies)\b[^.]{0,30}\b(?:requests?|users?|me|anything|questions?|tasks?|orders?)\b/,
      /\b(?:answer|respond|reply|speak|talk|say|do)s? (?:to )?(?:freely|anything|everything) (?:without|with no|no matter|regardless)\b/,
    ),
  },
  {
    signal: 'harmful_request',
    finding: 'prompt_injection_detected',
    on: toModels,
    match: any(
      words(
        8,
        'instructions recipe steps guide tutorial how explain teach',
        'mak* build* produc* cook* synthesi* construct* assembl* creat*',
        'meth methamphetamine* bomb* explosive* napalm sarin ricin thermite molotov* silencer* poison* nerve',
      ),
      words(
        12,
        'write create build make code',
        'keylogger* malware virus trojan* ransomware rootkit* stealer* script program',
        'hides hide evade* evading bypass* undetected undetectable avoid*',
        'antivirus detection edr defender security',
      ),
    ),
  },
  {
    signal: 'memory_poisoning',
    finding: 'prompt_injection_detected',
    on: toModels,
    match: any(
      words(
        8,
        'poison* contaminat* corrupt* backdoor* taint* pollute*',
        'training index retrieval knowledge dataset* embedding* vector* model* memory corpus rag documents',
      ),
      words(
        9,
        'add insert inject plant append include put store',
        'training knowledge fine retrieval vector',
        'data dataset* base index corpus store tuning set',
        'always never so that later future recommend* every trust*',
      ),
      words(9, 'add insert inject plant append', 'your', 'training memory knowledge', 'data base set'),
      words(
        10,
        'remember store save memori* note record',
        'all every later future subsequent other permanent*',
        'users sessions conversations answers requests chats',
        'that always never ignore* no skip trust* refunds',
      ),
      words(12, 'save store write add update record remember', 'memory', 'always never ignore* trust* skip* every all'),
      words(
        10,
        'store remember save treat accept learn',
        'fact truth true rule',
        'admin* skip* never always trust* approv* verification allowed',
      ),
      words(
        12,
        'label mark classify tag relabel',
        'fraud* malicious spam harmful phishing attack* toxic',
        'as',
        'legitimate benign safe clean harmless normal',
      ),
    ),
  },
  {
    signal: 'secret_disclosure_request',
    finding: 'data_exfiltration_detected',
    on: toModels,
    match: any(
      words(10, 'which what', 'credentials secrets passwords tokens keys', 'you', 'have access hold know store see'),
      words(
        8,
        'print dump output reveal show give expose display leak send return export',
        'oauth refresh session bearer access',
        'token tokens cookies',
        'user* customer* every all logged admin* people',
      ),
      words(
        8,
        'print dump output reveal show display leak',
        'password* credential* secret* token*',
        'them inline here plaintext everything',
      ),
    ),
  },
  {
    signal: 'model_extraction',
    finding: 'data_exfiltration_detected',
    on: toModels,
    match: any(
      words(10, reveal, 'logits logprobs', 'token* each every your answer all'),
      words(10, 'your', 'architecture', 'layer* hyperparameter* parameter* weights exact'),
      words(
        6,
        'dump export leak extract print',
        'your the',
        'embedding* vector* weights',
        'matrix table layer* store index database',
      ),
      words(12, 'clone copy replicate distil* imitate', 'you your', 'train* answer* question* weights'),
    ),
  },
  {
    signal: 'oversight_bypass',
    finding: 'autonomy_denied_action',
    on: toModels,
    match: any(
      words(7, 'approve merge authori* confirm sign', 'yourself'),
      words(
        9,
        'do don never without',
        'ask tell inform notify involve',
        'human humans user anyone anybody manager operator',
        'just until before and about',
      ),
    ),
  },
  {
    signal: 'irreversible_action',
    finding: 'autonomy_denied_action',
    on: toModels,
    match: words(
      8,
      'shut turn power take',
      'down off offline',
      'all every entire whole production',
      'server* system* service* node* machine* cluster* database* network',
    ),
  },
  {
    signal: 'active_content',
    finding: 'data_exfiltration_detected',
    on: ['url'],
    match: pattern(/<script\b|javascript:|<img[^>]{0,60}\bon\w{3,12} ?=|<svg[^>]{0,60}\bon|<iframe\b/),
  },
  {
    signal: 'fork_bomb',
    finding: 'anomalous_behavior_detected',
    on: ['shell', 'other'],
    match: pattern(/\bfork\(\) ?(?:for|while)\b/),
  },
];
