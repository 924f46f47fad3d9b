import { any, pattern, words, type Match, type Rule } from '../rule';
import { KINDS, type Kind } from '../subject';

/**
 * The orders of prompt.ts and disclosure.ts in other languages, as families of stems: one set of verbs and one of nouns for
 * all that are written with Latin letters, whose accents are folded by then; other scripts have no such words, and are read
 * by what stands close together.
 */

const everywhere: readonly Kind[] = KINDS;
const toModels: readonly Kind[] = ['chat', 'message', 'other'];

const ignore =
  'ignorier* missacht* ubergeh* hinweg umgeh* verwirf oubli* ignorez neglig* contourn* olvid* descart* omit* pasa* esque* ' +
  'desconsider* descumpr* dimentic* trascur* ignora ignorate ignorar negeer* vergeet* ignore vergiss vergessen';
const rules =
  'anweisung* regel* vorgabe* vorschrift* richtlinie* sicherheitsrichtlinie* instruktion* weisung* verbot* schranken consigne* ' +
  'regle* directive* interdiction* instruction* instrucc* regla* norma* directri* instruc* regra* diretriz* orientac* istruzion* regol* direttiv* instructie* regels';
const qualified =
  'dein* deine* alle* bisherig* vorherig* vorig* samtlich* obige* entwickler* tes ton toutes tous precedent* recue* haut tus tu ' +
  'todas todos anterior* previ* seus suas sua acima tue tuoi tutte precedenti developpeur* desarrollador* desenvolvedor* jouw vorige';
const show =
  'zeig* gib nenn* verrat* druck* offenbar* wiederhol* schreib* sag schick* sende* liste* affich* montre* revel* donne* repet* ' +
  'imprim* dis envoie* ecris muestra* ensena* dime dame repite envia* mostr* diga* exib* rivela* stampa* dimmi dammi elenca* toon geef';
const secretly =
  'geheim* versteckt* anfang* ursprunglich* erhalten bekommen verborgen* cache* initial* depart debut secret* recue* recu ' +
  'ocult* recib* principio inicial* inicio receb* nascost* inizial* inizio ricevut* sistema systeme';
const without = 'ohne keine keinerlei sans aucun* sin ningun* sem nenhum* senza nessun* zonder';
const limits =
  'einschrankung* grenze* beschrankung* filter* regel* zensur tabus limite* restriction* regle* filtre* censure restricc* ' +
  'regla* filtro* censura restric* regra* limiti restrizion* vincoli regole beperking*';
const spoken =
  'ki ia ai du modell modele modelo modello assistent* antwort* reponds repondez responde* rispond* eres es voce sei hattest avais finge* finja* fingi';
const switchOff =
  'deaktivier* schalt* abschalt* desactiv* desativ* disattiv* eteins apaga* desliga* spegni umgeh* contourn*';
const safety =
  'sicherheitsfilter* sicherheit* filter* schutz* moderation filtre* securite garde filtro* seguridad seguranca filtri sicurezza';

const people =
  'kunde* kunden* alle* aller nutzer* benutzer* mitarbeiter* personal* client* clientes utilisateur* employe* tous usuario* ' +
  'empleado* todos funcionario* utent* client* dipendent* datenbank base* administrator* admin';
const personal =
  'kreditkarte* passwort* passworter* kennwort* sozialversicherung* ausweis* geburtsdat* gehalt* gehalter adress* passe carte* ' +
  'numeros contrasena* tarjeta* senha* cartao cartoes password carta salaire* salario* schlussel cle cles clave* chave*';

const destroy =
  'losch* vernicht* zerstor* supprim* efface* detrui* borr* elimin* apag* exclu* cancell* distrugg* verwijder*';
const all = 'alle* gesamt* samtlich* ganz* tout* todas todos todo tutte tutti alles';
const things =
  'daten* produktion* bases base donnees datos dados dati database* server* sicherung* backup* fichier* archivo* arquivos tabelle* table*';
const transfer = 'uberweis* transferier* vire virez transfer* trasferisc*';
const money = 'guthaben geld vermogen konto fonds argent solde dinero fondos saldo dinheiro fundos denaro fondi';

/** A language without spaces, or whose words bend: two things close to each other. */
const near = (first: string, gap: number, second: string): RegExp =>
  new RegExp(`(?:${first})[^.。!?\\n]{0,${gap}}(?:${second})`);
const either = (a: string, gap: number, b: string): RegExp[] => [near(a, gap, b), near(b, gap, a)];

const others: Record<'override' | 'extraction' | 'persona' | 'personal' | 'destruction' | 'endless', RegExp[]> = {
  override: [
    near(
      'игнорир|забуд|не следуй|не соблюдай|не выполняй|не обращай|отмени|наруш|пренебрег',
      40,
      'инструкц|правил|указани|предыдущ|ограничени|запрет',
    ),
    near('отключи|выключи|деактивир|сними|обойди', 25, 'фильтр|безопасн|защит|модерац|ограничени|цензур'),
    ...either(
      '忽略|无视|無視|忘记|忘記|忘掉|不要理会|不要遵守|不要遵循|不必遵守|不再遵守|跳过|抛开|违反|绕过',
      15,
      '指令|指示|规则|規則|规定|提示|以上|之前|先前|限制|准则|要求',
    ),
    near('关闭|禁用|停用|解除|绕过|关掉', 10, '安全|过滤|审核|限制|审查'),
    near('指示|命令|ルール|プロンプト|規則|制約|ガイドライン', 15, '無視|忘れ|従わな|破[っりる]|守らな'),
    near('安全|フィルター?|モデレーション|制限|検閲', 12, '無効|解除|オフ|切っ|外し'),
    near('تجاهل|انس|لا تتبع|لا تلتزم|تخط|خالف', 30, 'التعليمات|القواعد|الأوامر|السابقة|الإرشادات|تعليمات|قواعد'),
    near('عط\u0651?ل|أوقف|ألغ|اوقف', 20, 'مرشح|فلتر|فلاتر|الأمان|الحماية|السلامة|الرقابة'),
    near('지시|명령|규칙|지침|프롬프트', 15, '무시|잊|따르지'),
    near('필터|안전|검열', 12, '끄|꺼|해제|비활성|무력'),
  ],
  extraction: [
    near(
      'покажи|раскрой|выведи|расскажи|повтори|напечатай|назови',
      40,
      'промпт|подсказк|скрыт\\S{0,6} (?:инструкц|правил)|систем\\S{0,6} (?:сообщ|инструкц)|инструкци\\S{0,4}[^.]{0,20}(?:дали|получил|начал)',
    ),
    ...either(
      '显示|告诉|输出|打印|说出|泄露|透露|展示|重复|公开|写出',
      20,
      '系统提示|提示词|(?:初始|隐藏|内部|收到的?|原始|秘密)[^。]{0,4}指令',
    ),
    near(
      'システムプロンプト|(?:最初|初期|隠され|与えられ|内部|秘密)[^。]{0,10}(?:指示|命令|ルール)',
      15,
      '表示|教え|見せ|出力|公開|明かし|書い',
    ),
    near(
      'أظهر|اكشف|اعرض|اطبع|أخبرني|أعطني|كرر',
      30,
      'موجه النظام|تعليمات النظام|(?:التعليمات|القواعد) (?:المخفية|السرية|الأولية|الأصلية|التي)',
    ),
    near('시스템 ?프롬프트|(?:처음|숨겨진|초기|원래)[^.]{0,8}(?:지시|명령|규칙)', 15, '보여|알려|출력|말해|공개'),
  ],
  persona: [
    ...either('без|нет|никаких', 12, '(?:ограничени|фильтр|цензур|правил)[^.]{0,30}(?:ты|модель|ии|отвеча)'),
    near('(?:ты|модель|ии|отвечай)(?: |,)', 30, 'без (?:\\S{1,12} )?(?:ограничени|фильтр|цензур|правил)'),
    near('没有|不受|摆脱|毫无|无', 8, '(?:限制|约束|审查|规则)[^。]{0,8}(?:人工智能|ai|模型|助手|回答|机器人)'),
    near(
      '制限|制約|フィルター?|検閲|ルール',
      6,
      '(?:ない|なし|なく|受けない)[^。]{0,10}(?:ai|モデル|アシスタント|答え|回答)',
    ),
    near('(?:أنت|انت|نموذج|ذكاء|أجب|تصرف)', 30, '(?:بلا|بدون|دون) (?:أي )?(?:قيود|حدود|رقابة|فلاتر|قواعد)'),
    near('제한|제약|검열|규칙', 4, '없는[^.]{0,8}(?:ai|인공지능|모델|챗봇)'),
  ],
  personal: [
    near(
      'покажи|выведи|дай|пришли|перечисли|выгрузи',
      30,
      '(?:парол|номер\\S{0,3} карт|паспорт|ключ|адрес|зарплат)[^.]{0,30}(?:всех|клиент|пользовател|баз|сотрудник|сервер)',
    ),
    near(
      '显示|列出|导出|给我|告诉我|发送|打印|泄露',
      12,
      '(?:用户|客户|员工|病人|所有人|数据库|管理员)[^。]{0,8}(?:密码|身份证|银行卡|信用卡|电话|地址|工资|密钥)',
    ),
    near(
      '(?:ユーザー|顧客|社員|従業員|全員|データベース|管理者)[^。]{0,10}(?:パスワード|クレジットカード|住所|電話番号|給与|個人情報|マイナンバー)',
      15,
      '表示|教え|見せ|出力|送っ|一覧',
    ),
    near(
      'أظهر|اعرض|أعطني|أرسل|اطبع',
      25,
      '(?:كلمات (?:المرور|السر)|أرقام (?:البطاقات|بطاقات)|كلمة (?:المرور|السر)|عناوين)',
    ),
    near(
      '(?:사용자|고객|직원|데이터베이스|관리자)[^.]{0,10}(?:비밀번호|카드|주소|전화번호|급여|주민등록)',
      15,
      '보여|알려|출력|보내',
    ),
  ],
  destruction: [
    near('удали|сотри|уничтож', 20, '(?:все|всю|всех)[^.]{0,20}(?:баз|данн|файл|сервер|резерв)'),
    near('删除|清空|销毁', 8, '(?:所有|全部|整个|生产)[^。]{0,10}(?:数据|文件|记录|服务器|备份)'),
    near('(?:すべて|全て|全部|本番)[^。]{0,12}(?:データ|ファイル|サーバー|バックアップ)', 10, '削除|消去|消し|破壊'),
    near('احذف|امسح|دمر', 10, '(?:جميع|كل)[^.]{0,20}(?:قواعد|البيانات|الملفات|الخوادم)'),
    near('переведи|перечисли', 15, '(?:все|весь)[^.]{0,15}(?:средств|деньг|баланс|остаток)'),
    near('转账|转移|汇出|把', 8, '(?:所有|全部)[^。]{0,8}(?:资金|余额|钱)'),
  ],
  endless: [
    near('бесконечн|без остановки|никогда не останавлив', 20, '(?:)'),
    /(?:无限|无穷|永远|不停|无休止)[^。]{0,6}(?:重复|生成|输出|写|循环|打印)/,
    /(?:無限|永遠|永久|止まらず)[^。]{0,8}(?:繰り返|生成|出力|書|続け)/,
    /(?:إلى الأبد|بلا نهاية|بدون توقف|دون توقف)/,
  ],
};

/** `Vergiss nicht` reminds. */
const reminds =
  /\b(?:vergiss|vergessen sie|n'?oublie[sz]?|no olvides|nao (?:se )?esqueca|non dimenticare)\b(?: \w{1,10}){0,2}? (?:nicht|pas)\b|\b(?:no olvid|nao (?:se )?esque|non dimentic)/;
const orders =
  (match: Match): Match =>
  (subject) =>
    !reminds.test(subject.text) && match(subject);

export const languageRules: readonly Rule[] = [
  {
    signal: 'instruction_override',
    finding: 'prompt_injection_detected',
    on: everywhere,
    match: any(
      orders(any(words(9, ignore, qualified, rules), words(9, ignore, rules, qualified))),
      words(8, switchOff, safety),
      words(8, 'setz* setze', rules, 'hinweg'),
      words(8, 'beacht* befolg* folge* halte*', rules, 'nicht keine'),
      pattern(
        /\b(?:ne (?:suis|respecte|tiens|tenez|suivez)|no (?:sigas|obedezcas|respetes|cumplas|hagas caso)|nao (?:siga|obedeca|respeite|cumpra)|non (?:seguire|rispettare|considerare))\b[^.]{0,40}\b(?:consigne|regle|instruc|norma|regla|regra|diretriz|istruzion|regol|directi|indicaci)/,
        ...others.override,
      ),
    ),
  },
  {
    signal: 'system_prompt_extraction',
    finding: 'prompt_injection_detected',
    on: everywhere,
    match: any(
      words(12, show, rules, secretly),
      words(9, show, secretly, rules),
      words(8, show, 'prompt systemprompt* systemanweisung* systemnachricht*'),
      pattern(...others.extraction),
    ),
  },
  {
    signal: 'jailbreak_persona',
    finding: 'prompt_injection_detected',
    on: toModels,
    match: any(words(9, spoken, without, limits), pattern(...others.persona)),
  },
  {
    signal: 'personal_data_request',
    finding: 'data_exfiltration_detected',
    on: toModels,
    match: any(words(10, show, personal, people), words(10, show, people, personal), pattern(...others.personal)),
  },
  {
    signal: 'irreversible_action',
    finding: 'autonomy_denied_action',
    on: toModels,
    match: any(words(9, destroy, all, things), words(8, transfer, all, money), pattern(...others.destruction)),
  },
  {
    signal: 'resource_exhaustion',
    finding: 'anomalous_behavior_detected',
    on: toModels,
    match: any(
      words(
        9,
        'schreib* wiederhol* erzahl* generier* antwort* ecris repete* genere* escrib* repit* genera* escrev* repet* scriv* ripet* continu* mach',
        'unendlich* endlos* ewig niemals jamais infini* indefini* infinit* indefinid* siempre sempre nunca fin',
      ),
      pattern(...others.endless),
    ),
  },
];
