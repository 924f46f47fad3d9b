import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';

// Signed notes and checkpoints as C2SP has them: c2sp.org/signed-note, c2sp.org/tlog-checkpoint, c2sp.org/tlog-cosignature.

/** The signature types of Ed25519 keys: of the log itself, and of a witness. */
const types = { log: 1, witness: 4 } as const;
type Kind = keyof typeof types;

/** Whose signatures a note may carry. */
export interface NoteKey {
  name: string;
  kind: Kind;
  key: KeyObject;
  /** The first four bytes of what names the key, in front of each of its signatures. */
  id: Buffer;
}

const spki = Buffer.from('302a300506032b6570032100', 'hex');
/** The 32 bytes of an Ed25519 public key. */
const bytesOf = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' }).subarray(spki.length);

const idOf = (name: string, kind: Kind, key: KeyObject): Buffer =>
  createHash('sha256').update(`${name}\n`).update(Buffer.of(types[kind])).update(bytesOf(key)).digest().subarray(0, 4);
export const noteKey = (name: string, kind: Kind, key: KeyObject): NoteKey => ({
  name,
  kind,
  key,
  id: idOf(name, kind, key),
});

/** A key as notes' tools write it down: `name+id+key`. */
export const verifierKey = ({ name, kind, key, id }: NoteKey): string =>
  `${name}+${id.toString('hex')}+${Buffer.concat([Buffer.of(types[kind]), bytesOf(key)]).toString('base64')}`;

/** @throws Error when it is no `name+id+key` of an Ed25519 key, or its id is that of another */
export function readVerifierKey(text: string): NoteKey {
  const [, name = '', id = '', data = ''] = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/u.exec(text) ?? [];
  const bytes = Buffer.from(data, 'base64');
  const kind = (Object.keys(types) as Kind[]).find((k) => types[k] === bytes[0]);
  if (!kind || bytes.length !== 33) throw new Error(`not a verifier key (name+id+key, Ed25519): ${text}`);
  const key = createPublicKey({ key: Buffer.concat([spki, bytes.subarray(1)]), format: 'der', type: 'spki' });
  const read = noteKey(name, kind, key);
  if (read.id.toString('hex') !== id) throw new Error(`${text}: its id is ${read.id.toString('hex')}`);
  return read;
}

export interface Checkpoint {
  origin: string;
  size: number;
  root: Buffer;
}
export const checkpointText = ({ origin, size, root }: Checkpoint): string =>
  `${origin}\n${size}\n${root.toString('base64')}\n`;

const lineOf = (name: string, id: Buffer, signature: Buffer): string =>
  `\u2014 ${name} ${Buffer.concat([id, signature]).toString('base64')}\n`;

/** A text under the signature of the log; `sign` gives the 64 bytes. */
export const signNote = (text: string, { name, id }: NoteKey, sign: (text: string) => Buffer): string =>
  `${text}\n${lineOf(name, id, sign(text))}`;

/** What a signature line says; null when it is none. */
export interface Signature {
  line: string;
  name: string;
  id: Buffer;
  signature: Buffer;
}
export function readSignature(line: string): Signature | null {
  const [, name = '', data = ''] = /^\u2014 ([^\s+]+) ([A-Za-z0-9+/]+={0,2})\n?$/u.exec(line) ?? [];
  const bytes = Buffer.from(data, 'base64');
  if (bytes.length < 5 || bytes.toString('base64') !== data) return null;
  return { line: `${line.replace(/\n$/, '')}\n`, name, id: bytes.subarray(0, 4), signature: bytes.subarray(4) };
}

/** The text of a note, its checkpoint, and its signatures; null when it is no checkpoint. */
export function readCheckpoint(note: string): (Checkpoint & { text: string; signatures: Signature[] }) | null {
  const end = note.indexOf('\n\n') + 1;
  const text = note.slice(0, end);
  const [origin = '', size = '', root = '', ...rest] = text.split('\n');
  const signatures = note
    .slice(end + 1)
    .split(/(?<=\n)/)
    .map(readSignature);
  if (!end || origin === '' || !/^(0|[1-9]\d{0,15})$/.test(size) || rest.join('\n') !== '') return null;
  const hash = Buffer.from(root, 'base64');
  if (hash.length !== 32 || hash.toString('base64') !== root) return null;
  if (!signatures.length || !signatures.every((s) => s !== null)) return null;
  return { text, origin, size: Number(size), root: hash, signatures };
}

/** When the key signed the text, in seconds since 1970 (the log does not say: null). Undefined: it did not. */
export function signedBy(text: string, by: NoteKey, s: Signature): { at: number | null } | undefined {
  if (s.name !== by.name || !s.id.equals(by.id)) return undefined;
  if (by.kind === 'log') return verify(null, Buffer.from(text), by.key, s.signature) ? { at: null } : undefined;
  // cosignature/v1: eight bytes of time stand before the signature, and in a line before what it signs.
  if (s.signature.length !== 72) return undefined;
  const at = Number(s.signature.readBigUInt64BE());
  const said = `cosignature/v1\ntime ${at}\n${text}`;
  return verify(null, Buffer.from(said), by.key, s.signature.subarray(8)) ? { at } : undefined;
}
