// Stands in for an agent's command: `node stand-in.cjs BEHAVIOUR [PROMPT]`. Each behaviour is what a command may do.
const { spawn } = require('node:child_process');
const { existsSync, readFileSync, writeFileSync, appendFileSync } = require('node:fs');
const { execFileSync } = require('node:child_process');

const [behaviour, prompt = ''] = process.argv.slice(2);
const say = (line) => process.stdout.write(`${typeof line === 'string' ? line : JSON.stringify(line)}\n`);
const result = (text) => say({ type: 'result', subtype: 'success', is_error: false, result: text });
const checkpoint = (step, status, progress_pct, output = null) =>
  writeFileSync(
    'checkpoint.json',
    JSON.stringify({ step, status, output, progress_pct, timestamp: new Date().toISOString() }),
  );
const api = (...args) => JSON.parse(execFileSync('dashboard-api', args, { encoding: 'utf8' }));
const forever = () => setInterval(() => undefined, 1000);
const when = (holds, then) => {
  const timer = setInterval(() => {
    if (!holds()) return;
    clearInterval(timer);
    then();
  }, 50);
};
const before = (name) => existsSync(name);
const { AGENT_ID: agent, AGENT_TICKET_ID: ticket } = process.env;
const note = (body) =>
  api(
    'post',
    `/api/tickets/${ticket}/notes`,
    '--data',
    JSON.stringify({ body, agent_id: Number(agent), source: 'agent' }),
  );

const behaviours = {
  normal() {
    say({ type: 'system', subtype: 'init' });
    say({
      type: 'assistant',
      message: {
        content: [{ type: 'text', text: 'looking' }],
        stop_reason: 'end_turn',
        usage: { input_tokens: 7, output_tokens: 3 },
      },
    });
    process.stderr.write('a warning\n');
    checkpoint('look', 'running', 50, 'looked');
    result(`did: ${prompt.split('\n')[0]}`);
  },
  environment: () => result(JSON.stringify({ env: process.env, cwd: process.cwd() })),
  // With which rights it runs, and what those reach.
  rights() {
    const can = (path) => {
      try {
        readFileSync(path);
        return true;
      } catch {
        return false;
      }
    };
    const noNew = /^NoNewPrivs:\t(\d)/m.exec(readFileSync('/proc/self/status', 'utf8'))[1];
    const { HOME, USER, AGENT_WORK_DIR } = process.env;
    const log = can('output.log');
    const ticketIs = api('get', `/api/tickets/${ticket}`).status;
    result(
      JSON.stringify({
        uid: process.getuid(),
        groups: process.getgroups(),
        noNew,
        HOME,
        USER,
        cwd: AGENT_WORK_DIR === process.cwd(),
        log,
        ticketIs,
      }),
    );
  },
  stdin: () => process.stdin.resume().on('end', () => result('nothing came')),
  forever,
  talks_forever: () => setInterval(() => say('still here'), 50),
  ignores_term() {
    process.on('SIGTERM', () => say('not now'));
    say('ready');
    forever();
  },
  hog() {
    const kept = [];
    setInterval(() => kept.push(Buffer.alloc(8 * 1024 * 1024, 1)), 20);
  },
  flood() {
    const line = `${'x'.repeat(1023)}\n`;
    const go = () => {
      while (process.stdout.write(line.repeat(64)));
      process.stdout.once('drain', go);
    };
    go();
  },
  // A child in its group, and one that leaves it.
  forks() {
    for (const detached of [false, true]) {
      const child = spawn(process.execPath, ['-e', 'setInterval(() => 0, 1000)', 'left-behind'], {
        detached,
        stdio: detached ? 'ignore' : 'inherit',
      });
      appendFileSync('children', `${child.pid}\n`);
      child.unref();
    }
    result('forked');
    process.exit(0);
  },
  // Its model stops for a tool that it does not call.
  no_tool() {
    say({
      type: 'assistant',
      message: { id: 'm1', content: [{ type: 'text', text: 'I look' }], stop_reason: 'tool_use' },
    });
    forever();
  },
  no_tool_stays() {
    process.on('SIGTERM', () => undefined);
    behaviours.no_tool();
  },
  fails() {
    process.stderr.write('no such thing\n');
    process.exit(1);
  },
  busy_once() {
    if (before('tried')) return result('fine now');
    writeFileSync('tried', '');
    process.stderr.write('API Error: 429 rate limit reached\n');
    process.exit(1);
  },
  busy_always() {
    say('API Error: 529 overloaded');
    process.exit(1);
  },
  asks_approval() {
    if (before('change')) {
      const id = readFileSync('change', 'utf8');
      return result(`change ${id} is ${api('get', `/api/changes/${id}/status`).status}`);
    }
    const { change_id } = api(
      'post',
      '/api/changes/request',
      '--data',
      JSON.stringify({ ticket_id: Number(ticket), agent_id: Number(agent), action: 'restart', target: 'web-1' }),
    );
    writeFileSync('change', String(change_id));
    checkpoint('asked', 'waiting_for_approval', 60, 'may I restart web-1?');
    forever();
  },
  asks_user() {
    if (before('asked'))
      return result(JSON.parse(readFileSync('agent_steering_inbox.json', 'utf8')).updates.at(-1).body);
    writeFileSync('asked', '');
    checkpoint('question', 'waiting_for_user', 30, 'which server?');
    forever();
  },
  steered() {
    checkpoint('listening', 'running', 20);
    const inbox = () => JSON.parse(readFileSync('agent_steering_inbox.json', 'utf8')).updates;
    when(
      () => inbox().length > 0,
      () => {
        const [{ id, body }] = inbox();
        api('post', `/api/agents/${agent}/steering/${id}/ack`, '--data', '{}');
        result(`heard: ${body}; ${readFileSync('AGENT_STEERING.md', 'utf8').includes(body)}`);
      },
    );
  },
  // One effect, then it waits to be told that it may end.
  effect_once() {
    note('the effect');
    checkpoint('effect', 'running', 70, 'done once');
    say('did the effect');
    when(
      () => existsSync('finish'),
      () => result('ended by itself'),
    );
  },
  leaks() {
    say(`my key is ${JSON.parse(readFileSync('dashboard_auth.json', 'utf8')).token}`);
    result('told');
  },
  // What no database takes: a NUL, and a pair of which a cut after 500 leaves half.
  odd_words() {
    checkpoint('lo\u0000ok', 'run\u0000ning', 50, `${'x'.repeat(499)}😀`);
    result(`${'x'.repeat(499)}😀`);
  },
  done_but_stays() {
    checkpoint('end', 'done', 100, 'all of it');
    forever();
  },
};

if (!behaviours[behaviour]) throw new Error(`no behaviour ${behaviour}`);
behaviours[behaviour]();
