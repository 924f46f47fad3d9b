import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { transformSync } from 'esbuild';
import { Webhook } from 'standardwebhooks';
import { childEnvironment, root } from '../config';

// The examples of docs/webhooks.md, as they stand there, over messages that are signed as ours are.

const page = readFileSync(join(root, 'docs/webhooks.md'), 'utf8');
const example = (language: string): string => page.split(`\`\`\`${language}\n`)[1]?.split('```')[0] ?? '';

const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
const body = '{"type":"alert.fired","data":{"message":"größer als 1"}}';
interface Message {
  headers: Record<string, string>;
  body: string;
}
function message(sentAt: Date, key = secret): Message {
  const seconds = Math.floor(sentAt.getTime() / 1000);
  const signature = new Webhook(key).sign('msg_1', sentAt, body);
  return {
    headers: { 'webhook-id': 'msg_1', 'webhook-timestamp': String(seconds), 'webhook-signature': signature },
    body,
  };
}
/** Whether each is to be taken, and what it is. */
function messages(): [name: string, taken: boolean, Message][] {
  const good = message(new Date());
  const other = `whsec_${Buffer.alloc(24, 8).toString('base64')}`;
  const headed = (name: string, value: string): Message => ({ ...good, headers: { ...good.headers, [name]: value } });
  const signed = good.headers['webhook-signature'] ?? '';
  return [
    ['as it was sent', true, good],
    ['while secrets change', true, headed('webhook-signature', `v1,${'A'.repeat(43)}= ${signed}`)],
    ['other bytes', false, { ...good, body: JSON.stringify(JSON.parse(body), null, 1) }],
    ['another secret', false, message(new Date(), other)],
    ['under another id', false, headed('webhook-id', 'msg_2')],
    ['of another version', false, headed('webhook-signature', signed.replace('v1,', 'v2,'))],
    ['too old', false, message(new Date(Date.now() - 400_000))],
    ['of a time to come', false, message(new Date(Date.now() + 400_000))],
    ['of no time', false, headed('webhook-timestamp', 'now')],
  ];
}

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'wheelhouse-webhooks-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const expected = () => messages().map(([name, taken]) => [name, taken]);
/** Runs a program that reads the messages and prints which were taken. */
function taken(program: string, args: string[]): unknown {
  const input = JSON.stringify(messages().map(([, , { headers, body }]) => ({ headers, body, secret })));
  const env = childEnvironment({ GOFLAGS: '-mod=mod', GO111MODULE: 'off', GOTOOLCHAIN: 'local' });
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: folder, input, env, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  const answers = JSON.parse(stdout) as boolean[];
  return messages().map(([name], i) => [name, answers[i]]);
}
const has = (program: string, ...args: string[]): boolean =>
  spawnSync(program, args, { env: childEnvironment({}) }).status === 0;
const where = (present: boolean, what: string) => {
  if (!present) console.warn(`there is no ${what}: its example of webhooks is not run`);
  return present ? test : test.skip;
};

test('TypeScript', () => {
  const { code } = transformSync(example('ts'), { loader: 'ts', format: 'cjs' });
  const module = { exports: {} as { verify?: (headers: object, body: Buffer, secret: string) => unknown } };
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the page's own example
  new Function('module', 'require', code)(module, require);
  const answers = messages().map(([name, , message]) => {
    try {
      const said = module.exports.verify?.(message.headers, Buffer.from(message.body), secret);
      return [name, JSON.stringify(said) === body];
    } catch {
      return [name, false];
    }
  });
  expect(answers).toEqual(expected());
});

where(has('python3', '-c', 'import sys; sys.exit(sys.version_info < (3, 9))'), 'python3')('Python', () => {
  const reads = `
import sys
def taken(m):
    try:
        return verify(m["headers"], m["body"].encode(), m["secret"]) == json.loads(m["body"])
    except ValueError:
        return False
print(json.dumps([taken(m) for m in json.load(sys.stdin)]))
`;
  writeFileSync(join(folder, 'receiver.py'), example('python') + reads);
  expect(taken('python3', ['receiver.py'])).toEqual(expected());
});

where(has('go', 'version'), 'go')('Go', () => {
  const reads = `package main

import ("encoding/json"; "fmt"; "os")

func main() {
	var messages []struct { Headers map[string]string; Body, Secret string }
	if err := json.NewDecoder(os.Stdin).Decode(&messages); err != nil { panic(err) }
	taken := []bool{}
	for _, m := range messages {
		header := func(name string) string { return m.Headers[name] }
		taken = append(taken, Verify(header, []byte(m.Body), m.Secret) == nil)
	}
	said, _ := json.Marshal(taken)
	fmt.Println(string(said))
}
`;
  writeFileSync(join(folder, 'receiver.go'), example('go'));
  writeFileSync(join(folder, 'main.go'), reads);
  expect(taken('go', ['run', 'main.go', 'receiver.go'])).toEqual(expected());
});
