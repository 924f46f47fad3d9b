import { Busboy } from '@fastify/busboy';
import type { Request } from 'express';
import { Invalid } from '../../domain/errors';

/** One file of a form, still on its way. `fields` are those that came before the file. */
export interface Upload {
  filename: string;
  contentType: string;
  fields: Record<string, string>;
  bytes: AsyncIterable<Buffer>;
}

/**
 * The form's `file`, as soon as it begins; its bytes are read by whoever stores them, so that they never pile up here.
 * @throws Invalid when the form has none, is no form, or has too many parts
 */
export function readUpload(req: Request): Promise<Upload> {
  return new Promise((resolve, reject) => {
    const fields: Record<string, string> = {};
    const refuse = (message: string): void => {
      req.unpipe();
      req.resume();
      reject(new Invalid(message, { field: 'file' }));
    };
    let form: InstanceType<typeof Busboy>;
    try {
      form = new Busboy({
        headers: req.headers as { 'content-type': string },
        limits: { files: 1, fields: 20, fieldSize: 16 * 1024, parts: 30, headerPairs: 50 },
      });
    } catch (e) {
      refuse(`multipart/form-data: ${(e as Error).message}`);
      return;
    }
    // A form is taken when it is whole: until its end it may bring another file, or break off.
    const ended = new Promise<void>((finish, fail) => {
      form.once('finish', finish);
      form.once('error', (e) => fail(new Invalid(`multipart/form-data: ${wordsOf(e)}`, { field: 'file' })));
      form.once('filesLimit', () => fail(new Invalid('file: a form brings one file', { field: 'file' })));
    });
    ended.catch(() => undefined); // told to whoever reads the file; without one, below
    form.on('field', (name, value) => void (fields[name] = value));
    form.on('file', (name, stream, filename, _encoding, contentType) => {
      // A form that breaks off before anybody reads: kept for whoever reads then, instead of ending the process.
      stream.on('error', (e: Error) => stream.destroy(e));
      if (name !== 'file') return refuse('file: the form field with the file must be called "file"');
      if (!filename) return refuse('file: the file needs a name');
      return resolve({ filename, contentType, fields, bytes: whole(stream, ended) });
    });
    form.on('partsLimit', () => refuse('file: too many parts'));
    form.on('error', (e) => refuse(`multipart/form-data: ${wordsOf(e)}`));
    form.on('finish', () => refuse('file: the form holds no file'));
    req.pipe(form);
  });
}

const wordsOf = (e: unknown): string => (e instanceof Error ? e.message : String(e));

/** The file's bytes, and then that nothing comes behind them. A form that breaks off in the middle is the caller's mistake. */
async function* whole(stream: AsyncIterable<Buffer>, ended: Promise<void>): AsyncIterable<Buffer> {
  try {
    for await (const chunk of stream) yield chunk;
  } catch (e) {
    throw new Invalid(`file: the form breaks off: ${wordsOf(e)}`, { field: 'file' });
  }
  await ended;
}
