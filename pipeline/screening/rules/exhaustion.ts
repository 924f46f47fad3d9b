import { all, any, field, atLeast, pattern, tool, words, without, type Match, type Rule } from '../rule';
import { KINDS, type Kind } from '../subject';

/** Work without an end: floods of output, loops, inputs made to be large, fleets of machines. */

const everywhere: readonly Kind[] = KINDS;
const commands: readonly Kind[] = ['shell', 'k8s', 'cloud', 'other'];
const toModels: readonly Kind[] = ['chat', 'other'];

const produce =
  /\b(?:generate|write|produce|create|give me|list|output|print|repeat|return|make|enumerate|compute|calculate|say|translate|count|type|draft|compose|provide|run|invent|expand|summari[sz]e|rewrite|describe|show|tell|send|spawn|think|iterate|reason|respond|reply|answer|solve|use|need)\b/;
const amount = /(\d[\d,_]{0,14}(?:\.\d{1,3})?) ?(?:(k|m|b|bn|thousand|million|billion|trillion)\b)?/g;
/** Nouns that a number counts, and from how many on it is a flood. */
const floods: readonly (readonly [unit: RegExp, limit: number])[] = [
  [
    /^(?:images?|pictures|pages?|pairs|samples|variants|completions?|variations?|versions?|alternatives?|copies|responses?|answers?|stories|essays|poems|articles|novels|books|chapters|rewrites|iterations|times|rounds|agents|translations|languages|paraphrases)$/,
    100,
  ],
  [
    /^(?:paragraphs|sentences|examples|items|questions|facts|names|ideas|prompts|messages|emails|requests|levels|layers|steps|primes|combinations|permutations)$/,
    1000,
  ],
  [/^(?:words?|lines?|tokens?|digits?|characters?|numbers?|decimals?|places|rows|letters)$/, 10_000],
];
const scale: Record<string, number> = {
  k: 1e3,
  thousand: 1e3,
  m: 1e6,
  million: 1e6,
  b: 1e9,
  bn: 1e9,
  billion: 1e9,
  trillion: 1e12,
};

const asksForFlood: Match = ({ text }) => {
  const start = text.search(produce);
  if (start < 0) return false;
  const asked = text.slice(start);
  for (const match of asked.matchAll(amount)) {
    const [whole, digits = '', unit = ''] = match;
    const number = Number(digits.replace(/[,_]/g, '')) * (scale[unit] ?? 1);
    const counted = asked
      .slice(match.index + whole.length)
      .slice(0, 60)
      .split(/[^\p{L}]+/u)
      .slice(0, 5);
    if (counted.some((noun) => floods.some(([names, limit]) => number >= limit && names.test(noun)))) return true;
  }
  return false;
};

/** The same few words, or one character, over and over. Rulers of signs are no repetition. */
const repeatsItself: Match = (subject) => {
  let run = 0;
  let last = '';
  for (const c of subject.text) {
    run = c === last ? run + 1 : 1;
    last = c;
    if (run >= 200 && !' =*#_-.~'.includes(c)) return true;
  }
  const { words: tokens } = subject;
  return tokens.length >= 200 && new Set(tokens).size <= tokens.length / 40;
};

const longWord: Match = ({ text }) => text.split(' ').some((word) => word.length >= 2000);

export const exhaustionRules: readonly Rule[] = [
  {
    signal: 'resource_exhaustion',
    finding: 'anomalous_behavior_detected',
    on: toModels,
    match: any(
      asksForFlood,
      pattern(
        /\b(?:never[- ]?end(?:s|ing)|infinitely (?:long|many|large)|without ever (?:stopping|ending)|as (?:many|much) (?:tokens|words|output|text|lines|pages|characters) as|until you run out)\b/,
        /\b(?:between|from) \d[\d,]{0,9} (?:and|to) \d[\d,]{4,}|\b(?:every|all|each|whole|entire)\b[^.]{0,20}\b(?:word in the (?:english )?dictionary|wikipedia|internet|encyclop\w{1,8}|library of congress)\b/,
        /\bcount\b[^.]{0,30}\bto \d[\d,]{4,}|\bnever stop (?:talking|generating|writing|printing|responding|output)/,
      ),
      all(
        any(
          words(
            12,
            'repeat loop continue keep generate print output say write respond run call recurse think count expand list echo produce',
            'forever infinitely indefinitely endlessly nonstop infinity infinite unlimited unending endless eternally',
          ),
          words(
            12,
            'repeat continue keep generate print output say write respond',
            'never without don',
            'stop stopping end ending pause',
          ),
          words(
            16,
            'repeat continue keep generate write fill output print expand produce use',
            'context window maximum max token',
            'window length limit tokens budget',
          ),
          words(10, 'recursively recursive', 'summari* expand* call* invoke* prompt* yourself itself expansion'),
          words(
            10,
            'call* invoke* prompt* query* ask* summari* expand*',
            'yourself itself',
            'recursive* again repeatedly until',
          ),
          words(
            10,
            'million billion trillion thousands millions billions',
            'times words tokens pages digits copies variations completions characters lines words',
          ),
          words(14, 'count enumerate list compute calculate print', 'million billion trillion googol'),
          words(
            14,
            'every all',
            'permutation* combination* prime* possible',
            'length characters words letters digits numbers',
          ),
        ),
        without('why how debug fix explain avoid prevent'),
      ),
    ),
  },
  {
    signal: 'oversized_input',
    finding: 'anomalous_behavior_detected',
    on: everywhere,
    match: any(
      repeatsItself,
      all(longWord, (subject) => subject.is('url', 'host', 'path', 'chat', 'other')),
    ),
  },
  {
    signal: 'fork_bomb',
    finding: 'anomalous_behavior_detected',
    on: [...commands, 'chat'],
    match: pattern(
      /[\w:.]{1,10} ?\( ?\) ?\{ ?[\w:.]{1,10} ?\| ?[\w:.]{1,10} ?& ?\}/,
      /\bfork while fork\b|\bwhile (?:true|1|\(1\))[^;]{0,10}[;:{]? ?(?:do )?(?:os\.)?fork\(|%0 ?\| ?%0|os\.fork\(\)[^;]{0,40}while|while[^;]{0,40}os\.fork/,
    ),
  },
  {
    signal: 'resource_exhaustion',
    finding: 'anomalous_behavior_detected',
    on: commands,
    match: pattern(
      /\bif=\/dev\/(?:zero|urandom|random)\b|\bcat \/dev\/(?:zero|urandom|random)\b|\b(?:<|tar \S{1,20}) ?\/dev\/(?:zero|urandom)/,
      /\bfallocate\b[^;|&]{0,40}-l ?\d{1,6}[gt]|\btruncate\b[^;|&]{0,40}-s ?\d{2,6}[gt]|\bhead -c ?\d{1,6}[gt]|\bmkfile \d{1,6}[gt]/,
      /\bstress(?:-ng)? |\bulimit -\w unlimited|\bhping3?\b|\bslowloris\b|\bping -f\b|\byes ?(?:\||>|&)|\bsiege\b[^;|&]{0,60}-c ?\d{3,}|\bab (?:-\w \S{1,20} ){0,4}-[nc] ?\d{4,}|\bwrk\b[^;|&]{0,60}-c ?\d{3,}/,
      /\bgrep -\w{0,6}r\w{0,6} \S{1,100} \/(?: |$)|\bls -\w{0,6}r\w{0,6} \/(?: |$)|\bzip ?bomb|\b42\.zip\b/,
    ),
  },
  {
    signal: 'resource_exhaustion',
    finding: 'anomalous_behavior_detected',
    on: ['sql', 'other'],
    match: pattern(
      /\bgenerate_series ?\([^)]{0,40}\d{7,}|\bpg_sleep ?\( ?\d{2,}|\bsleep ?\( ?\d{2,}|\bbenchmark ?\( ?\d{6,}|\brepeat ?\( ?'[^']{0,40}' ?, ?\d{6,}|\blpad ?\([^)]{0,60}\d{6,}/,
      /\bcross join\b[^;]{0,300}\bcross join\b|\bwaitfor delay '(?:\d{2}:)?[0-9]{1,2}:[1-9]/,
    ),
  },
  {
    signal: 'resource_exhaustion',
    finding: 'anomalous_behavior_detected',
    on: ['url', 'path', 'other'],
    match: pattern(
      /\b\d{1,5}(?:gb|tb|pb|gib|tib)\b|\bzip-?bomb|\b42\.zip\b|\bbillion-?laughs|\/dev\/(?:zero|urandom|random)\b|speedtest[^\s]{0,60}\b\d{3,5}mb\b/,
      /<!entity[^>]{0,200}&\w{1,20};&\w{1,20};|\/infinite\b|[?&](?:limit|size|count|per_page|pagesize|bytes|n)=\d{6,}/,
      /\/(?:stream|drip|bytes|delay|redirect)\/\d{4,}/,
    ),
  },
  {
    signal: 'runaway_loop',
    finding: 'autonomy_max_runtime_exceeded',
    on: commands,
    match: pattern(
      /\b(?:while|until) ?(?:\(|\[)? ?(?:true|:|1|false|\[ ?1|! ?false)(?:[ );\]:]|$)|\bfor ?\( ?\( ?;|\bfor ?\( ?\([^)]{0,40}<=? ?\d{4,}|\btail -f \/dev\/null|\bfor ?\( ?; ?;|\bwhile ?\( ?(?:true|1) ?\)/,
      /\bfor \w{1,20} in (?:\$\( ?seq|` ?seq|\{\d{1,6}\.\.\d{3,})|\bseq (?:\d{1,9} ){0,2}\d{3,}|\brange\( ?(?:\d{1,9} ?, ?)?\d{4,}/,
      /\bsleep (?:infinity|inf\b|\d{4,}|\d{1,4}[dh])|\bxargs\b[^;|]{0,60}-p ?\d{2,}|\bparallel\b[^;|]{0,60}-j ?\d{2,}|\bwatch (?:-n|-d|--interval)/,
      /\bnohup\b|\bdisown\b|\bsetsid\b|\btimeout 0\b|\bitertools\.count\(|\bloop (?:forever|indefinitely)\b|\bsetinterval\(/,
    ),
  },
  {
    signal: 'runaway_loop',
    finding: 'autonomy_max_runtime_exceeded',
    on: toModels,
    match: any(
      all(
        words(
          12,
          'keep continue run loop retry repeat poll work act operate',
          'until forever indefinitely nonstop endlessly overnight',
          'success* done works succeed* stopped told complete* forever human',
        ),
        words(40, 'autonomous* retry* agent* loop task* tool* without'),
      ),
      words(
        8,
        'spawn create launch start fork',
        'agents subagents workers copies instances',
        'yourself each recursively more itself unlimited',
      ),
      pattern(/\b(?:spawn|launch|start|create) \d{2,} (?:\w{1,12} )?(?:sub-?)?agents\b/),
    ),
  },
  {
    signal: 'runaway_loop',
    finding: 'autonomy_max_runtime_exceeded',
    on: everywhere,
    match: any(
      field(
        /^(?:max_?)?(?:iterations?|steps|loops?|repeat|repetitions|retries|attempts|depth|recursion_?depth|tool_?calls|concurrency|parallel(?:ism)?)$/,
        atLeast(1000),
      ),
      field(/^(?:(?:max_?)?runtime|duration|timeout|interval)(?:_?s(?:ec(?:onds)?)?)?$/, atLeast(86_400)),
      field(/^(?:loop|forever|infinite|run_forever)$/, (value) => value === 'true'),
    ),
  },
  {
    signal: 'mass_provisioning',
    finding: 'autonomy_max_cost_exceeded',
    on: commands,
    match: pattern(
      /--(?:count|min-count|instance-count|num-instances|num-nodes|node-count|nodes|size)[= ](?:\d{1,3}:)?\d{2,}\b|--(?:desired-capacity|max-size|desired-count|replicas|max-instances)[= ]\d{3,}|--scale \w{1,40}=\d{3,}/,
      /--instance-type[= ](?:p[2-6]|g[4-6]|x[12]|u-|trn|inf|hpc)[\w.-]{0,24}|--(?:accelerator|gpu)s?[= ][^ ]{0,40}(?:count=)?(?:\d{2,}|[4-9])\b|\brequest-spot-(?:fleet|instances)\b|purchase-reserved|--quantity[= ]\d{2,}/,
      /\bxmrig\b|\bminerd\b|stratum\+tcp|\bcpuminer\b|\bethminer\b|\bcoinhive\b|\bcryptominer?\b/,
    ),
  },
  {
    signal: 'mass_provisioning',
    finding: 'autonomy_max_cost_exceeded',
    on: everywhere,
    match: any(
      field(/^(?:max_?cost|budget|cost_?limit|spend(?:_?limit)?|max_?spend|cost)(?:_?usd)?$/, atLeast(10_000)),
      all(
        tool(/instance|vm|cluster|gpu|compute|provision|fleet|scale/),
        field(/^(?:count|replicas|instances|nodes|quantity|size|desired_?capacity)$/, atLeast(50)),
      ),
    ),
  },
];
