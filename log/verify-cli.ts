import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { aevfLines, isBundle, keysIn } from './bundle/aevf';
import { archiveLines } from './bundle/archive';
import { knownAs, type Line } from './bundle/root';
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
  /** Who must have cosigned the newest checkpoint of an archive. */
  witness?: string[];
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

/** The name is over the text as the server writes it, whatever the line ends of the file. @throws Error naming the file */
function keyOf(file: string, pem: string): ReceiptKey {
  let key: KeyObject | null = null;
  try {
    key = createPublicKey(pem);
  } catch (e) {
    throw new Error(`${file}: not a public key: ${(e as Error).message}`, { cause: e });
  }
  if (key.asymmetricKeyType !== 'ed25519') throw new Error(`${file}: not an Ed25519 key`);
  const written = key.export({ type: 'spki', format: 'pem' }) as string;
  return { fingerprint: fingerprintOf(written), pem: written, key };
}

/** @throws Error when the file holds no Ed25519 public key */
async function readKey(file: string): Promise<ReceiptKey> {
  const text = await read(file);
  const isJson = text.trimStart().startsWith('{');
  return keyOf(file, isJson ? (PublishedKey.safeParse(unwrap(JSON.parse(text))).data?.public_key_pem ?? '') : text);
}

/** An archive is somebody else's text: nothing in it may steer the terminal. */
const plain = (value: string | number | null | undefined): string => String(value ?? '?').replace(/\p{Cc}/gu, '?');
const said = (r: Record<string, string | number | null>): string =>
  `${plain(r['execution_id'])}  ${plain(r['timestamp'])}  ${plain(r['tool'] ?? r['action'])}: ${plain(r['decision'])}`;

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

const isFolder = async (path: string): Promise<boolean> =>
  stat(path).then(
    (s) => s.isDirectory(),
    (e: Error) => Promise.reject(new Error(`${path}: cannot be read: ${e.message}`, { cause: e })),
  );

const Keys = z.object({ historical: z.array(PublishedKey) });
/** The keys that lie in an archive: good as far as its fingerprint is known from elsewhere. */
async function keysOf(folder: string): Promise<ReceiptKey[]> {
  const current = join(folder, 'public_key.pem');
  const list = join(folder, 'keys.json');
  const older = await readFile(list, 'utf8').then(
    (text) => Keys.safeParse(unwrap(JSON.parse(text))).data?.historical ?? [],
    (e: unknown) => ((e as { code?: unknown }).code === 'ENOENT' ? [] : Promise.reject(e as Error)),
  );
  return [await readKey(current), ...older.map((k) => keyOf(list, k.public_key_pem))];
}

/**
 * A folder, an evidence bundle, or receipts: what each of them says, by the keys that were given, or else by those among its own that
 * `trusted` takes.
 */
async function linesOf(
  path: string,
  given: readonly ReceiptKey[],
  witnesses: string[],
  trusted: (keys: ReceiptKey[]) => ReceiptKey[],
): Promise<Line[]> {
  const own = (keys: ReceiptKey[]): readonly ReceiptKey[] => (given.length ? given : trusted(keys));
  if (await isFolder(path)) return archiveLines(path, knownAs(own(await keysOf(path))), witnesses, said);
  const found = documents(path, await read(path));
  return found.flatMap((document): Line[] => {
    if (isBundle(document)) {
      const keys = own(keysIn(document).map(({ pem }) => keyOf(path, pem)));
      return aevfLines(document, knownAs(keys));
    }
    if (!given.length) throw new Error('--key is missing: the public key, as GET /receipts/key gave it');
    const { receipt, error } = checkReceipt(document, knownAs(given));
    const what = receipt ? said(receipt) : path;
    return [{ good: !error, text: error ? `${error}  ${what}` : what }];
  });
}

/**
 * Checks what was archived against public keys that were kept beside it: no server, no network. Receipts, folders with their proofs and
 * roots, evidence bundles, and heads of the log. One line each and a summary on stdout; exit code 1 when one of them is bad.
 */
export async function verify(
  files: string[],
  { key: keyFiles, fingerprint, head = [], witness = [] }: VerifyOptions,
): Promise<void> {
  if (!files.length && !head.length)
    throw new Error('name files with receipts, or with --head one that holds a head of the log');
  const given = await Promise.all(keyFiles.map(readKey));
  const pinned = fingerprint?.toLowerCase().slice(0, 32);
  const other = given.find((k) => pinned !== undefined && k.fingerprint !== pinned);
  if (other) throw new Error(`the key has the fingerprint ${other.fingerprint}, not ${fingerprint}`);
  if (head.length && !given.length) throw new Error('--key is missing: the public key, as GET /receipts/key gave it');
  const taken: ReceiptKey[] = [];
  const trusted = (keys: ReceiptKey[]): ReceiptKey[] => {
    const good = keys.filter((k) => pinned === undefined || k.fingerprint === pinned);
    if (!good.length && keys.length) throw new Error(`none of the archive's keys has the fingerprint ${fingerprint}`);
    taken.push(...good);
    return good;
  };
  const lines: Line[] = [];
  for (const path of files) lines.push(...(await linesOf(path, given, witness, trusted)));
  const heads = await Promise.all(
    head.map(async (file) => documents(file, await read(file)).map((document) => ({ file, document }))),
  );
  lines.push(...headLines(heads.flat(), given));
  for (const { good, text } of lines) process.stdout.write(`${good ? 'ok    ' : 'BAD   '}${plain(text)}\n`);
  const bad = lines.filter((l) => !l.good).length;
  const by = [...new Set([...given, ...taken].map((k) => k.fingerprint))].join(', ');
  process.stdout.write(`${lines.length - bad} good, ${bad} bad, by ${by}\n`);
  if (taken.length && pinned === undefined)
    process.stdout.write(
      'the keys are from the archive itself: compare with what was written down, or name it with --fingerprint\n',
    );
  if (bad || bad === lines.length) process.exitCode = 1;
}
