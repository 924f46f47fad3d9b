import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { fingerprintOf } from './keys';
import { checkReceipt, type ReceiptKey } from './receipts';

export interface VerifyOptions {
  /** Files with a public key: PEM, or an archived answer of `GET /receipts/key`. */
  key: string[];
  /** The fingerprint that the key must have: what was written down when it was first seen. */
  fingerprint?: string | undefined;
}

const Enveloped = z.looseObject({ success: z.boolean(), data: z.unknown() });
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

/**
 * Checks archived answers of `GET /receipts/{id}` against public keys that were kept beside them: no server, no network.
 * One line each and a summary on stdout; exit code 1 when one of them is bad.
 */
export async function verify(files: string[], { key: keyFiles, fingerprint }: VerifyOptions): Promise<void> {
  if (!files.length) throw new Error('name at least one file with receipts');
  if (!keyFiles.length) throw new Error('--key is missing: the public key, as GET /receipts/key gave it');
  const keys = await Promise.all(keyFiles.map(readKey));
  const other = keys.find((k) => fingerprint !== undefined && k.fingerprint !== fingerprint.toLowerCase().slice(0, 32));
  if (other) throw new Error(`the key has the fingerprint ${other.fingerprint}, not ${fingerprint}`);
  const find = (named: string | null): ReceiptKey | null =>
    named === null ? (keys[0] ?? null) : (keys.find((k) => k.fingerprint === named.slice(0, 32)) ?? null);

  let good = 0;
  let bad = 0;
  for (const file of files) {
    for (const document of documents(file, await read(file))) {
      const { receipt, error } = checkReceipt(document, find);
      if (error) bad += 1;
      else good += 1;
      process.stdout.write(`${error ? `BAD   ${error}` : 'ok  '}  ${receipt ? said(receipt) : file}\n`);
    }
  }
  process.stdout.write(`${good} good, ${bad} bad, by ${keys.map((k) => k.fingerprint).join(', ')}\n`);
  if (bad || !good) process.exitCode = 1;
}
