import { addAbortSignal, type Readable } from 'node:stream';
import { z } from 'zod';
import { defaultOptions, LogAnalysis } from '../../domain/logs/analysis';
import * as project from '../../domain/logs/project';
import { parseQuery, Search } from '../../domain/logs/search';
import type { LogProfile, LogReport, SearchResult } from '../../domain/logs/types';

const attachment_id = z.uuid();

/** The arguments of the logs.* tools. */
export const logToolArgs = {
  'logs.profile': z.strictObject({ attachment_id }),
  'logs.templates': z.strictObject({ attachment_id, limit: z.int().min(1).max(200).default(30) }),
  'logs.errors': z.strictObject({ attachment_id }),
  'logs.bursts': z.strictObject({ attachment_id }),
  'logs.sources': z.strictObject({ attachment_id }),
  'logs.search': z.strictObject({
    attachment_id,
    query: z.string().trim().min(1).max(200),
    limit: z.int().min(1).max(50).default(20),
  }),
} as const;

export interface ReadOptions {
  signal?: AbortSignal;
}

/** An attachment, wherever it is kept. With its sha256 (hex) an analysis is remembered: five tools look at the same file. */
export interface LogFile {
  sizeBytes: number;
  /** All its bytes, or those of a range; each call from the beginning. */
  read(range?: { start: number; end: number }): Promise<Readable>;
  sha256?: string;
}

const HEAD = 512;

interface Form {
  encoding: LogProfile['encoding'];
  /** How to read it; null when reading it as lines makes no sense. */
  decode: BufferEncoding | null;
}

const PACKED = ['1f8b', '28b52ffd', '425a68', 'fd377a585a00', '504b0304'];

/** By the first bytes: a byte order mark, the marks of gzip, zstd, bzip2, xz and zip, or NUL bytes. */
async function formOf(file: LogFile): Promise<Form> {
  const chunks: Buffer[] = [];
  if (file.sizeBytes > 0) {
    const bytes = await file.read({ start: 0, end: Math.min(HEAD, file.sizeBytes) - 1 });
    for await (const chunk of bytes as AsyncIterable<Buffer>) chunks.push(chunk);
  }
  const head = Buffer.concat(chunks);
  const hex = head.toString('hex');
  if (hex.startsWith('fffe')) return { encoding: 'utf-16', decode: 'utf16le' };
  if (PACKED.some((magic) => hex.startsWith(magic))) return { encoding: 'compressed', decode: null };
  return head.includes(0) ? { encoding: 'binary', decode: null } : { encoding: 'utf-8', decode: 'utf8' };
}

/**
 * The lines of a file, in order, read no faster than they are taken. A line that is longer than the cap is cut while it
 * is read, so that a file that is one line costs no more memory than any other.
 */
async function eachLine(
  file: LogFile,
  decode: BufferEncoding,
  { signal }: ReadOptions,
  take: (line: string, cut: boolean) => void,
): Promise<void> {
  const cap = defaultOptions.maxLineLength;
  let rest = '';
  let cut = false;
  let started = false;
  const feed = (text: string): void => {
    let from = !started && text.startsWith('\uFEFF') ? 1 : 0;
    started = true;
    for (let end = text.indexOf('\n', from); end >= 0; end = text.indexOf('\n', from)) {
      take(rest === '' ? text.slice(from, end) : rest + text.slice(from, end), cut);
      [rest, cut, from] = ['', false, end + 1];
    }
    rest += text.slice(from);
    if (rest.length <= cap) return;
    rest = rest.slice(0, cap);
    cut = true;
  };
  const stream = (await file.read()).setEncoding(decode);
  if (signal) addAbortSignal(signal, stream);
  for await (const chunk of stream as AsyncIterable<string>) feed(chunk);
  if (rest !== '') take(rest, cut);
}

/** Mines one file. Rejects with the error of where it is kept, or an AbortError. */
export async function analyseFile(file: LogFile, options: ReadOptions = {}): Promise<LogReport> {
  const { encoding, decode } = await formOf(file);
  const analysis = new LogAnalysis();
  // What is packed or no text at all would only be mistaken for a log.
  if (decode !== null) await eachLine(file, decode, options, (line, cut) => analysis.add(line, cut));
  return analysis.finish({ encoding, bytes: file.sizeBytes });
}

/** The lines that hold every word of the query; see `parseQuery`. */
export async function searchFile(
  file: LogFile,
  query: string,
  limit: number,
  options: ReadOptions = {},
): Promise<SearchResult> {
  const { decode } = await formOf(file);
  const search = new Search(parseQuery(query), limit);
  if (decode !== null) await eachLine(file, decode, options, (line) => search.add(line));
  return project.searchResult(search);
}

const REMEMBERED = 16;
const remembered = new Map<string, LogReport>();

/** The analysis of a file whose content has not changed since it was last asked for; the oldest of 16 is forgotten. */
async function report(file: LogFile, options: ReadOptions): Promise<LogReport> {
  const { sha256 } = file;
  const known = sha256 === undefined ? undefined : remembered.get(sha256);
  const found = known ?? (await analyseFile(file, options));
  if (sha256 === undefined) return found;
  remembered.delete(sha256);
  remembered.set(sha256, found);
  for (const oldest of remembered.keys()) if (remembered.size > REMEMBERED) remembered.delete(oldest);
  return found;
}

type Args<Tool extends keyof typeof logToolArgs> = z.infer<(typeof logToolArgs)[Tool]>;

/** The logs.* tools: the file of the attachment, the checked arguments, the answer. */
export const logTools = {
  'logs.profile': async (file: LogFile, _args: Args<'logs.profile'>, options: ReadOptions = {}) =>
    project.profileResult(await report(file, options)),
  'logs.templates': async (file: LogFile, args: Args<'logs.templates'>, options: ReadOptions = {}) =>
    project.templatesResult(await report(file, options), args.limit),
  'logs.errors': async (file: LogFile, _args: Args<'logs.errors'>, options: ReadOptions = {}) =>
    project.errorsResult(await report(file, options)),
  'logs.bursts': async (file: LogFile, _args: Args<'logs.bursts'>, options: ReadOptions = {}) =>
    project.burstsResult(await report(file, options)),
  'logs.sources': async (file: LogFile, _args: Args<'logs.sources'>, options: ReadOptions = {}) =>
    project.sourcesResult(await report(file, options)),
  'logs.search': (file: LogFile, args: Args<'logs.search'>, options: ReadOptions = {}) =>
    searchFile(file, args.query, args.limit, options),
} as const;
