import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { readHead } from './head';
import { fingerprintOf } from './keys';
import { checkReceipt, type ReceiptKey } from './receipts';

export interface VerifyOptions {
  /** Files with a public key: PEM, or an archived answer of `GET /receipts/key`. */
  key: string[];
  /** The fingerprint that the key must have: what was written down when it was first seen. */
  fingerprint?: string | undefined;
  /** Files with archived answers of `GET /audit/logs/verify`. */
  head?: string[];
}

const Enveloped = z.looseObject({ success: z.boolean(), data: z.unknown() });
const Verified = z.object({ head: z.string(), tenant_id: z.uuid() });
const PublishedKey = z.object({ public_key_pem: z.string() });

/** Archives may hold the answer as it came, or its data alone. */
const unwrap = (value: unknown): unknown => Enveloped.safeParse(value).data?.data ?? value;

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (e) {
    throw new Error(`${file}: cannot be read: ${(e as Error).message}`, { cause: e });
  }
}

/** One document, an array of them, or one a line. @throws Error naming the file and line */
function documents(file: string, text: string): unknown[] {
  try {
    const value = unwrap(JSON.parse(text));
    return Array.isArray(value) ? value.map(unwrap) : [value];
  } catch {
    // Not one document: then each line is one.
  }
  return text.split('\n').flatMap((line, i) => {
    if (!line.trim()) return [];
    try {
      return [unwrap(JSON.parse(line))];
    } catch (e) {
      throw new Error(`${file}:${i + 1}: not JSON: ${(e as Error).message}`, { cause: e });
    }
  });
}

/** @throws Error when the file holds no Ed25519 public key */
async function readKey(file: string): Promise<ReceiptKey> {
  const text = await read(file);
  const pem = text.trimStart().startsWith('{')
    ? PublishedKey.safeParse(unwrap(JSON.parse(text))).data?.public_key_pem
    : text;
  let key: KeyObject | null = null;
  try {
    key = createPublicKey(pem ?? '');
  } catch (e) {
    throw new Error(`${file}: not a public key: ${(e as Error).message}`, { cause: e });
  }
  if (key.asymmetricKeyType !== 'ed25519') throw new Error(`${file}: not an Ed25519 key`);
  // The name is over the text as the server writes it, whatever the line ends of this file.
  const written = key.export({ type: 'spki', format: 'pem' }) as string;
  return { fingerprint: fingerprintOf(written), pem: written, key };
}

/** An archive is somebody else's text: nothing in it may steer the terminal. */
const plain = (value: string | number | null | undefined): string => String(value ?? '?').replace(/\p{Cc}/gu, '?');
const said = (r: Record<string, string | number | null>): string =>
  `${plain(r['execution_id'])}  ${plain(r['timestamp'])}  ${plain(r['tool'] ?? r['action'])}: ${plain(r['decision'])}`;

/** What one archived document turned out to be, as a line. */
interface Line {
  good: boolean;
  text: string;
}

/** Heads of one tenant and `seq` must agree: two that do not are two histories, both signed. */
function headLines(answers: { file: string; document: unknown }[], keys: readonly ReceiptKey[]): Line[] {
  const known = new Map<string, string>();
  return answers.map(({ file, document }) => {
    const answer = Verified.safeParse(document).data;
    if (!answer) return { good: false, text: `malformed_payload  ${file}` };
    const said = readHead(answer.head, answer.tenant_id, (f) => keys.find((k) => k.fingerprint === f)?.key ?? null);
    if (!said) return { good: false, text: `head_unknown  ${file}` };
    const place = `${answer.tenant_id} ${said.seq}`;
    const other = known.get(place);
    known.set(place, other ?? said.hash);
    const text = `head of ${answer.tenant_id} at ${said.seq}: ${said.hash}`;
    return other !== undefined && other !== said.hash
      ? { good: false, text: `rewritten  ${text}` }
      : { good: true, text };
  });
}

/**
 * Checks archived answers of `GET /receipts/{id}` and of `GET /audit/logs/verify` against public keys that were kept beside
 * them: no server, no network. One line each and a summary on stdout; exit code 1 when one of them is bad.
 */
export async function verify(files: string[], { key: keyFiles, fingerprint, head = [] }: VerifyOptions): Promise<void> {
  if (!files.length && !head.length)
    throw new Error('name files with receipts, or with --head one that holds a head of the log');
  if (!keyFiles.length) throw new Error('--key is missing: the public key, as GET /receipts/key gave it');
  const keys = await Promise.all(keyFiles.map(readKey));
  const other = keys.find((k) => fingerprint !== undefined && k.fingerprint !== fingerprint.toLowerCase().slice(0, 32));
  if (other) throw new Error(`the key has the fingerprint ${other.fingerprint}, not ${fingerprint}`);
  const find = (named: string | null): ReceiptKey | null =>
    named === null ? (keys[0] ?? null) : (keys.find((k) => k.fingerprint === named.slice(0, 32)) ?? null);

  const archived = async (names: string[]): Promise<{ file: string; document: unknown }[]> =>
    (
      await Promise.all(
        names.map(async (file) => documents(file, await read(file)).map((document) => ({ file, document }))),
      )
    ).flat();
  const receipts = (await archived(files)).map(({ file, document }): Line => {
    const { receipt, error } = checkReceipt(document, find);
    const what = receipt ? said(receipt) : file;
    return { good: !error, text: error ? `${error}  ${what}` : what };
  });
  const lines = [...receipts, ...headLines(await archived(head), keys)];
  for (const { good, text } of lines) process.stdout.write(`${good ? 'ok    ' : 'BAD   '}${text}\n`);
  const bad = lines.filter((l) => !l.good).length;
  process.stdout.write(`${lines.length - bad} good, ${bad} bad, by ${keys.map((k) => k.fingerprint).join(', ')}\n`);
  if (bad || bad === lines.length) process.exitCode = 1;
}
