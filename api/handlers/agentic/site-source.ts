import { access, constants } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import type { RunView } from '../../../db/run-queries';
import { attachmentOn } from '../../../db/ticket-files';
import { Invalid, NotFound, TooLarge } from '../../../domain/errors';
import { verified } from '../../../log/files';
import { errnoOf } from '../../../pipeline/errno';
import { archiveFiles } from '../../../pipeline/publishing/archive';
import { publishable, treeFiles, treeLimits, type TreeFile } from '../../../pipeline/publishing/tree';
import { foldersOf, runOf } from '../../../runner/workspace';
import type { publishing } from '../../contracts/agentic/publishing';
import type { Ctx, HandlerOf } from '../../kernel';

type Body = Parameters<HandlerOf<(typeof publishing)['deployStaticSite']>>[0]['body'];
type Given = NonNullable<Body['files']>;

/** An archive is read in memory: no site is smaller than what it is packed in. @throws TooLarge */
async function inMemory(bytes: AsyncIterable<Buffer>, field: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.length;
    if (size > treeLimits.bytes) throw new TooLarge(`${field}: larger than ${treeLimits.bytes} bytes`, { field });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** @throws NotFound for one that is not on the agent's ticket, or whose bytes are not here */
async function attached(ctx: Ctx, run: RunView, number: number): Promise<Buffer> {
  const file = await ctx.read((tx) => attachmentOn(tx, run.ticketId, number));
  const bytes = file?.stored && file.sha256 !== null ? await ctx.kernel.files.open(ctx.tenantId, file.sha256) : null;
  if (!file || file.sha256 === null || !bytes) {
    throw new NotFound(`attachment_id: ticket ${run.ticketNumber} has no stored attachment ${number}`, {
      field: 'attachment_id',
    });
  }
  return inMemory(verified(bytes as AsyncIterable<Buffer>, file.sha256), 'attachment_id');
}

function* given(files: Given): Iterable<TreeFile> {
  for (const { path, content, encoding } of files) {
    yield { path: path.replace(/^(\.\/)+/, ''), bytes: Readable.from([Buffer.from(content, encoding)]) };
  }
}

/** Where an agent works, as its command's row says, or the mark of the folder: never in what another left under its number. @throws Invalid when it has no files of its own */
async function workFolder(workBase: string, run: RunView): Promise<string> {
  const folder = run.workDir ?? join(workBase, String(run.number));
  const none = new Invalid(`source_dir: agent ${run.number} has no work folder here`, { field: 'source_dir' });
  try {
    await access(folder, constants.R_OK | constants.X_OK);
  } catch (e) {
    const code = errnoOf(e);
    throw code === 'ENOENT' || code === 'EACCES' ? none : e;
  }
  const whose = runOf(foldersOf(dirname(folder), basename(folder)));
  // Without a row only the mark tells whose it is.
  if (whose !== run.id && (whose !== null || run.workDir === null)) throw none;
  return folder;
}

/** What is to be published: the form's archive, an attachment's, the files of the request, or the agent's own. */
export async function siteSource(ctx: Ctx, run: RunView, body: Body): Promise<AsyncIterable<TreeFile>> {
  const { source_dir: dir, attachment_id: number, files } = body;
  if (ctx.upload) {
    if (number !== undefined || files)
      throw new Invalid('file: from a form, from an attachment, or from files', { field: 'file' });
    return publishable(archiveFiles(await inMemory(ctx.upload.bytes, 'file'), 'file'), 'file', dir);
  }
  if (number !== undefined)
    return publishable(archiveFiles(await attached(ctx, run, number), 'attachment_id'), 'attachment_id', dir);
  if (files) return publishable(Readable.from(given(files)), 'files', dir);
  return treeFiles({ root: await workFolder(ctx.kernel.config.agents.workBase, run), dir });
}
