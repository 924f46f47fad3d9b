import { all, any, pattern, words, without, type Rule } from '../rule';
import { KINDS, type Kind } from '../subject';

/** Instructions that try to take over a model, in whatever argument they travel. */

const everywhere: readonly Kind[] = KINDS;
const toModels: readonly Kind[] = ['chat', 'message', 'other'];

const ignore =
  'ignore* disregard* forget* override* bypass* neglect* disobey* overrule* circumvent* abandon* unlearn* discard* violate*';
const qualified =
  'previous prior above earlier preceding all any every your these those system safety original initial existing ' +
  'foregoing content ethical moderation past current established given former whatever everything my';
const rules =
  'instruction* rule* guideline* directive* prompt* polic* guidance guardrail* restriction* constraint* filter* training ' +
  'programming limitation* command* order* context alignment safeguard* ethics messages conversation told role persona identity';
const show =
  'show print reveal give tell output display repeat dump leak disclose expose share return list write recite echo ' +
  'translate summari* encode paste provide describe spell copy send extract';

/** Who writes a prompt for a model of his own does not ask for ours. */
const writesPrompt = /\b(?:write|draft|create|design|improve) (?:me |us )?an? (?:\w{1,16} ){0,2}system prompt\b/;

/** The same order in other languages; accents are folded by then, other scripts are kept. */
const overrideElsewhere = [
  /\b(?:ignor[ae]|olvid[ae]|descart[ae]|omit[ae]|haz caso omiso)\w{0,4}\b[^.]{0,40}\b(?:instrucc|regla|indicaci|directri|anterior|previ)/,
  /\b(?:ignor|oubli|neglig|faites abstraction|ne ten\w{1,3} pas compte)\w{0,4}[^.]{0,40}\b(?:instruction|consigne|regle|directive|precedent)/,
  /\b(?:ignorier|vergiss|vergess|missacht|ubergeh)\w{0,4}[^.]{0,40}(?:anweisung|regel|instruktion|vorgabe|richtlinie|vorherig|bisherig|obige)/,
  /\b(?:ignora|dimentica|trascura|non considerare)\w{0,4}[^.]{0,40}(?:istruzion|regol|direttiv|precedent)/,
  /\b(?:ignor|esque|desconsider)\w{1,5}[^.]{0,40}(?:instruc|regra|diretriz|anterior)/,
  /\b(?:negeer|vergeet)\w{0,3}[^.]{0,40}(?:instructie|regel|opdracht|vorige|eerdere|bovenstaande)/,
  /\b(?:zignoruj|ignoruj|zapomnij)[^.]{0,40}(?:instrukcj|polecen|zasad|poprzedni)/,
  /\b(?:ignorera|glom|ignorer|glem)\b[^.]{0,40}(?:instruktion|instruks|regl|regel|tidigare|tidligere)/,
  /\b(?:onceki|tum|yukaridaki|butun)[^.]{0,30}(?:talimat|kural|komut)[^.]{0,30}(?:yok say|unut|gormezden|dikkate alma)/,
  /\b(?:abaikan|lupakan)[^.]{0,40}(?:instruksi|perintah|aturan|sebelumnya)/,
  /\bbo qua[^.]{0,40}(?:huong dan|chi dan|quy tac|truoc)/,
  /(?:игнорир|забуд|не обращай|отмени)[^.]{0,40}(?:инструкц|правил|указани|предыдущ)/,
  /(?:忽略|无视|無視|忘记|忘記|不要理会|跳过)[^。]{0,20}(?:指令|指示|规则|規則|提示|说明|以上|之前|先前|限制)/,
  /(?:指示|命令|ルール|プロンプト|規則|制約)[^。]{0,15}(?:無視|忘れ)/,
  /(?:지시|명령|규칙|지침|프롬프트)[^.]{0,15}(?:무시|잊)/,
  /(?:تجاهل|انس)[^.]{0,30}(?:التعليمات|القواعد|الأوامر|السابقة)/,
  /(?:निर्देश|नियम|आदेश)[^।]{0,30}(?:अनदेख|भूल|नजरअंदाज|नज़रअंदाज)/,
];

const extractionElsewhere = [
  /\b(?:prompt|instrucciones) (?:del|de) sistema|\bprompt systeme|\binstructions systeme|\bsystem-?prompt\b|\bsystemanweisung|\bprompt di sistema|\bprompt do sistema|\bsysteemprompt/,
  /(?:系统提示|系統提示|系统指令|提示词)|システムプロンプト|시스템 ?프롬프트|системн\S{1,4} (?:промпт|подсказк|инструкц)/,
];

export const promptRules: readonly Rule[] = [
  {
    signal: 'instruction_override',
    finding: 'prompt_injection_detected',
    on: everywhere,
    match: any(
      words(8, ignore, qualified, rules),
      words(3, 'ignore disregard forget', 'above'),
      words(6, ignore, 'everything', 'above before said told earlier previously'),
      words(
        7,
        'disable remove turn skip drop suspend deactivate switch lift',
        'safety guardrail* moderation safeguard* ethics alignment',
      ),
      words(8, 'stop cease quit', 'following obeying enforcing', rules),
      words(8, 'do don t not never', 'follow obey comply', 'previous prior above earlier original initial your', rules),
    ),
  },
  {
    signal: 'instruction_override',
    finding: 'prompt_injection_detected',
    on: everywhere,
    match: pattern(
      /\bnew (?:system |secret |urgent )?(?:rule|instruction|directive|objective|order|policy|persona)s? ?(?::|for you\b)/,
      /\bfrom (?:now on|this point (?:on|forward)|here on),? (?:you are|you're|you must|you will (?:act|be|ignore|obey|always|never)|act |ignore|your (?:name|role))/,
      /\byour (?:new|real|true|only|actual) (?:task|role|job|goal|purpose|instructions?|objective|identity|mission) (?:is|are)\b/,
      /\b(?:respond|reply|answer|say)(?: back)? (?:only )?(?:with )?["'“‘]?(?:i am|i have been|i'm) (?:compromised|hacked|pwned|free|dan)\b/,
      /\b(?:end|start|begin|beginning) of (?:system )?(?:prompt|instructions|document|user input|conversation)\b/,
      /\b(?:previous|prior|earlier|above|all|your|safety) (?:\w{1,12} )?(?:instructions|rules|guidelines|prompts?|training|directives|restrictions)\b[^.]{0,12} (?:are|is|were|do|does|have been|has been) (?:now )?(?:void|null|not apply|obsolete|cancel|invalid|suspended|lifted|outdated|no longer|revoked|over\b|disabled)/,
      /\b(?:i am (?:compromised|pwned)|haha,? ?pwned|until i say (?:resume|stop|so))\b/,
      /\b(?:decode|decrypt|decipher|rot13|reverse)\b[^.]{0,60}\b(?:follow|obey|execute|comply with)\b[^.]{0,30}\b(?:instruction|command|message|order)/,
    ),
  },
  {
    signal: 'instruction_override',
    finding: 'prompt_injection_detected',
    on: toModels,
    match: any(
      words(5, 'disable unlock deactivate turn lift remove', 'filtering restricted filters moderation censorship'),
      pattern(
        /\b(?:rules|guidelines|instructions|restrictions|policies|directives)\b[^.]{0,12} (?:have|has) (?:now )?(?:been )?(?:updated|changed|replaced|removed|lifted|suspended|expired)\b/,
        /\bi (?:hereby )?(?:authori[sz]e|order|command|instruct) you to\b|\bas (?:the|your) (?:system )?(?:administrator|admin|developer|creator|owner),? (?:i|you|please)\b/,
        /\b(?:begin|start|new) (?:a )?(?:new )?session\b[^a-z]{0,3}(?:previous|prior|all|you|ignore)|\breset your (?:instructions|rules|context|programming)\b/,
        /\b(?:no matter how (?:harmful|illegal|unethical|dangerous)|regardless of (?:harm|ethics|legality|policy|safety)|nothing is off[- ]limits)\b/,
        /\b(?:opposite of|contrary to) (?:what )?(?:the|your) (?:system|safety|developer|previous)\b|\bas if (?:your|the|all) (?:\w{1,12} )?(?:filters|restrictions|rules|guidelines|safety)\b/,
      ),
    ),
  },
  {
    signal: 'instruction_override',
    finding: 'prompt_injection_detected',
    on: everywhere,
    match: pattern(...overrideElsewhere),
  },
  {
    signal: 'instruction_override',
    finding: 'prompt_injection_detected',
    on: everywhere,
    match: pattern(
      /\b(?:note|message|instruction|attention|hey|dear|reminder|important)s? (?:to|for)?,? ?(?:the |any |all )?(?:ai|llm|language model|chatbot|ai assistant|ai agent)s?\b ?[:,]/,
      /\b(?:ai|llm|language model|chatbot) (?:assistants?|agents?|models?|systems?)?,? ?(?:reading|processing|summari[sz]ing|analy[sz]ing) th/,
      /\bwhen(?:ever)? (?:you )?(?:summari|translat|process|read|analy|respond|reply|answer)[^.]{0,80}\b(?:send|forward|exfiltrate|upload|leak)\b/,
      /\b(?:do not|don't|never|without) (?:tell|inform|alert|mention|notify|reveal)\w{0,3} (?:this |it |any of this )?(?:to )?(?:the |any )?(?:users?|humans?|operators?)\b/,
    ),
  },
  {
    signal: 'role_marker_in_content',
    finding: 'prompt_injection_detected',
    on: everywhere,
    match: pattern(
      /<\|? ?\/?(?:im_start|im_end|im_sep|system|endoftext|endofprompt|begin_of_text|eot_id|start_header_id|assistant) ?\|?>/,
      /\[\/?(?:inst|sys|system|system_message)\]|<<\/?sys>>|<\/?(?:admin|developer|system)[_-]?(?:prompt|message|override|instructions?)?>/,
      /#{2,} ?(?:system|new instruction|instruction override|assistant)\b/,
      /(?:^|[.!?"'\]}] ?)(?:system|developer|admin|root)(?: (?:message|prompt|override|note|instruction|command))? ?: ?(?:you|ignore|override|new|disregard|from now|the (?:assistant|user|previous)|all |grant|enable|disable|reveal|print|unlock)/,
      /"role" ?: ?"(?:system|developer)"/,
    ),
  },
  {
    signal: 'system_prompt_extraction',
    finding: 'prompt_injection_detected',
    on: everywhere,
    match: all(
      (subject) => !writesPrompt.test(subject.text),
      any(
        words(
          9,
          show,
          'system initial hidden developer raw internal secret underlying original meta base confidential',
          'prompt* instructions preamble directive* guidelines',
        ),
        words(
          6,
          'what list show',
          'are is were',
          'your',
          'instructions prompt rules guidelines directives constraints restrictions',
        ),
        words(7, show, 'your', 'instructions prompt* guidelines directives preamble configuration* config'),
        words(10, show, 'prompt*', 'initiali* given configured programmed provided template'),
        words(
          9,
          'repeat print output echo recite reproduce transcribe display reveal copy say',
          'words text everything content sentences lines message*',
          'above before preceding prior previous',
        ),
        words(4, 'dump leak reveal expose disclose', 'prompt'),
        pattern(
          /\byour (?:\w{1,12} )?(?:system|hidden|initial|original|secret|developer|internal) (?:prompt|instructions?|message)\b|\bmy system prompt (?:says|is|reads|begins|starts|:)/,
          /\byour (?:\w{1,12} ){0,2}(?:guidelines|safety (?:filters?|training|rules|guidelines|checks|protocols)|content (?:policy|filters?)|guardrails|programming|directives|censorship|developer message|system message)\b/,
          /\b(?:the|your) (?:hidden|confidential|secret|developer) (?:message|instructions|prompt|rules)\b|\b(?:initial|original|hidden|full) configuration of yours|\byour (?:initial|original|hidden|internal|full) (?:configuration|setup|context)\b/,
          /\b(?:top|beginning|start) of (?:this|the|our) (?:conversation|chat|session|context)\b|\bbefore (?:this|my) (?:first )?(?:message|conversation|chat)\b/,
          /\b(?:instructions|rules|guidelines|prompt)\b[^.]{0,40}\b(?:give|gave|given|tell|told|provided?) (?:to )?you\b/,
          /\b(?:my|your|the) (?:\w{1,14} )?(?:instructions|prompt|rules) (?:are|is|says?) ?(?:to['"]|:|['"]|$)|['"‘“](?:my|the) (?:\w{1,14} ){0,2}(?:instructions|prompt) (?:are|is|says?)\b/,
          /\b(?:translate|print|repeat|show|output|reveal|encode|display|copy) (?:me )?(?:all |the )?(?:instructions|rules|prompt) above\b/,
          /\bwhat(?:'s| is| are| was| were) (?:your|the) (?:\w{1,12} )?(?:system|initial|hidden|original|secret) (?:prompt|instruction|message)/,
          /\b(?:instructions|rules|prompt|guidelines|directives) (?:that )?you (?:were|have|had|received|got|started|began|must|follow)\b/,
        ),
        pattern(/\bstarting with (?:the )?(?:phrase|words?|text)? ?["'“‘]?you are\b/, ...extractionElsewhere),
      ),
    ),
  },
  {
    signal: 'jailbreak_persona',
    finding: 'prompt_injection_detected',
    on: everywhere,
    match: pattern(
      /\bdo anything now\b|\bdan (?:mode|prompt)\b|\b(?:act|respond|behave|answer) as (?:if you were )?(?:dan|stan|dude|aim|evil)\b|\byou are (?:now )?(?:going to be )?dan\b|\b(?:you (?:are|have been|were) (?:now )?jailbroken|jailbr[eo]a?k(?:en)? (?:mode|prompt|yourself|version|ai)|(?:enable|activate|as a) jailbr[eo]ak)/,
      /\b(?:enter|activate|you are (?:now )?in|switch (?:in)?to|respond in|engage) (?:\w{1,12} )?(?:developer|debug|god|sudo|admin|maintenance|unrestricted|unfiltered|evil|opposite|root|override) mode\b/,
      /\b(?:unfiltered|uncensored|unrestricted|unaligned|amoral|evil|rogue|malicious|unethical|lawless) ?(?:\w{1,10} )?(?:ai|model|assistant|chatbot|version|llm|gpt|twin|bot|language model|persona|mode)\b/,
      /\b(?:without|no|free (?:from|of)|ignoring) (?:any |all |your |the )?(?:\w{1,12} ){0,2}(?:restrictions|filters|limitations|censorship|guardrails|safeguards|ethical guidelines|safety guidelines|moral)\b/,
      /\b(?:i|you|we) have no (?:rules|restrictions|limits|filters)\b|\b(?:answer|respond|reply|act|speak|operate|you are \w{1,16})\b[^.]{0,30}\bwithout (?:any )?(?:limits|restrictions|filters|rules|censorship|limitations)\b|\bdeveloper mode enabled\b/,
      /\byou (?:have|has) no (?:rules|restrictions|limits|limitations|guidelines|filters|ethics|morals|content policy)\b/,
      /\b(?:stay in character|never (?:refuses?|breaks? character)|cannot refuse|can't refuse|must (?:comply|obey)|not allowed to refuse)\b/,
      /\b(?:pretend|imagine|suppose|assume|hypothetically)\b[^.]{0,60}\b(?:no (?:rules|restrictions|laws|ethics|limits|filters|guidelines)|unrestricted|unfiltered|not bound|not an ai|anything is allowed)\b/,
      /\b(?:grandm\w{1,5}|grandfather|deceased)\b[^.]{0,100}\b(?:used to|would)\b[^.]{0,100}\b(?:napalm|bomb|recipe|keys|password|exploit|weapon)/,
    ),
  },
  {
    signal: 'harmful_request',
    finding: 'prompt_injection_detected',
    on: toModels,
    match: all(
      any(
        words(
          9,
          'make build create construct assemble synthesi* develop produce cook manufacture craft working undetectable',
          'bomb* explosive* keylogger* ransomware malware trojan* rootkit* botnet* spyware worm* meth methamphetamine napalm sarin anthrax ricin thermite molotov bioweapon* nerve',
        ),
        words(
          9,
          'write give code generate provide',
          'working functional undetectable fully polymorphic stealthy',
          'keylogger* ransomware malware trojan* rootkit* exploit* virus worm* stealer* backdoor*',
        ),
        words(
          7,
          'write give create make generate build code',
          'malware ransomware keylogger* rootkit* spyware stealer* phishing trojan* botnet*',
        ),
        words(
          9,
          'write give create make generate build code',
          'script code program tool function app',
          'steal* exfiltrat* keylog* hijack* brute crack*',
        ),
        words(8, 'how do', 'make build create', 'bomb* molotov explosive* meth poison* weapon* silencer*'),
        words(
          8,
          'how steps instructions teach help guide',
          'hack hacking launder* hotwire smuggle* poison* kidnap* blackmail* counterfeit* stalk* ddos',
        ),
      ),
      without(
        'detection detect* scanner prevent* protect* awareness defend* mitigat* antivirus about report* article blog training trends research rule rules history',
      ),
    ),
  },
];
