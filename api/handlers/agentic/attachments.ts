import type { Readable } from 'node:stream';
import { holdFiles } from '../../../db/files';
import { attachmentsOf, attachmentOn } from '../../../db/ticket-files';
import { attachments as rows, notes } from '../../../db/tickets';
import type { Write } from '../../../db/tx';
import { Invalid, KeyReused, NotFound } from '../../../domain/errors';
import { storable } from '../../../domain/storable';
import type { Attachment, Ticket } from '../../../domain/ticket';
import { canonical } from '../../../log/canonical';
import type { Staged } from '../../../log/files';
import type { attachments } from '../../contracts/agentic/attachments';
import type { Reply } from '../../operation';
import type { Ctx, HandlerOf, Handlers } from '../../kernel';
import { fileReply } from './file-reply';
import { seenTicket } from './seen';
import { attachmentView } from './ticket-views';

type Body = Parameters<HandlerOf<(typeof attachments)['addAttachment']>>[0]['body'];
type File = Pick<Attachment, 'filename' | 'contentType' | 'detectedType' | 'storageRef' | 'sha256' | 'sizeBytes' | 'stored'>; // prettier-ignore

/** What the caller says of a file that is elsewhere. */
const elsewhere = (body: Body): File => ({
  filename: body.filename,
  contentType: body.content_type ?? null,
  detectedType: null,
  storageRef: body.storage_ref ?? null,
  sha256: body.sha256 ?? null,
  sizeBytes: body.size_bytes ?? null,
  stored: false,
});

/** What came with its bytes. @throws Invalid when they are not those that the caller says they are */
function arrived(body: Body, said: string, { sha256, sizeBytes, detectedType }: Staged): File {
  if (body.sha256 !== undefined && body.sha256 !== sha256) {
    throw new Invalid(`sha256: the file's is ${sha256}`, { field: 'sha256' });
  }
  if (body.size_bytes !== undefined && body.size_bytes !== sizeBytes) {
    throw new Invalid(`size_bytes: the file has ${sizeBytes}`, { field: 'size_bytes' });
  }
  const contentType = body.content_type ?? said;
  return { filename: body.filename, contentType, detectedType, storageRef: `sha256:${sha256}`, sha256, sizeBytes, stored: true }; // prettier-ignore
}

/** A repeat with the same key means the same file, and says the same of it. @throws KeyReused */
function assertSame(first: Attachment, again: File & Pick<Attachment, 'noteId' | 'metadata'>): void {
  const parts = ['filename', 'sha256', 'stored', 'contentType', 'noteId'] as const;
  const same =
    parts.every((p) => first[p] === again[p]) && canonical(first.metadata) === canonical(storable(again.metadata));
  if (!same) throw new KeyReused('Idempotency-Key was used with another file', { field: 'Idempotency-Key' });
}

/** The row, or the one that this request's first made. `keep` before it is written: a row never names what is not there. */
async function written(
  ctx: Ctx,
  tx: Write,
  ticket: Pick<Ticket, 'id'>,
  file: File,
  more: { noteId: string | null; metadata: Attachment['metadata']; keep: () => Promise<void> },
): Promise<Attachment> {
  const id = ctx.newId(`attachment:${ticket.id}`);
  const first = ctx.repeatable ? await rows.byId(tx, id) : null;
  if (!first) await more.keep();
  const row =
    first ?? (await rows.insert(tx, { id, tenantId: ctx.tenantId, number: 0, ticketId: ticket.id, noteId: more.noteId, ...file, metadata: more.metadata, createdAt: new Date().toISOString() })); // prettier-ignore
  if (!row || first) {
    const standing = row ?? (await rows.byId(tx, id));
    if (!standing) throw new Error(`no row for attachment ${id}`);
    assertSame(standing, { ...file, noteId: more.noteId, metadata: more.metadata });
    return standing;
  }
  tx.log({
    kind: 'attachment.added',
    actor: ctx.actor,
    subject: { kind: 'ticket', id: ticket.id },
    ticketId: ticket.id,
    body: {
      attachment_id: row.number, filename: row.filename, sha256: row.sha256, size_bytes: row.sizeBytes, stored: row.stored,
      detected_type: row.detectedType,
    }, // prettier-ignore
  });
  return row;
}

export const attachmentHandlers: Handlers<typeof attachments> = {
  addAttachment: async ({ params, body }, ctx) => {
    const { ticket, note } = await ctx.read(async (tx) => ({
      ticket: await seenTicket(ctx, tx, params.ticket_id),
      note: body.note_id === undefined ? null : await notes.byNumber(tx, body.note_id),
    }));
    if (body.note_id !== undefined && note?.ticketId !== ticket.id) {
      throw new NotFound(`no note ${body.note_id} on ticket ${ticket.number}`, { field: 'note_id' });
    }
    const { files, config, logger } = ctx.kernel;
    const { upload } = ctx;
    const staged = upload && (await files.stage(ctx.tenantId, upload.bytes, config.maxUploadBytes));
    try {
      const file = staged ? arrived(body, upload.contentType, staged) : elsewhere(body);
      const row = await ctx.write(async (tx) => {
        if (staged) await holdFiles(tx);
        const keep = (): Promise<void> => staged?.keep() ?? Promise.resolve();
        return written(ctx, tx, ticket, file, { noteId: note?.id ?? null, metadata: body.metadata, keep });
      });
      const shown = attachmentView(row, ticket.number, new Map());
      return {
        id: row.number,
        ticket_id: ticket.number,
        status: 'created' as const,
        sha256: row.sha256,
        size_bytes: row.sizeBytes,
        detected_type: row.detectedType,
        download_url: shown.download_url,
      };
    } finally {
      // It is kept, or refused; what came is let go of now or by the sweep.
      await staged?.discard().catch((err: unknown) => logger.warn({ err }, 'an upload is left to the sweep'));
    }
  },

  listAttachments: ({ params, query: { limit, offset } }, ctx) =>
    ctx.read(async (tx) => {
      const ticket = await seenTicket(ctx, tx, params.ticket_id);
      const { files, noteNumbers, total } = await attachmentsOf(tx, ticket.id, limit, offset);
      return { attachments: files.map((a) => attachmentView(a, ticket.number, noteNumbers)), total, limit, offset };
    }),

  downloadAttachment: async ({ params }, ctx): Promise<Reply> => {
    const file = await ctx.read(async (tx) => {
      const ticket = await seenTicket(ctx, tx, params.ticket_id);
      const found = await attachmentOn(tx, ticket.id, params.attachment_id);
      if (!found) throw new NotFound(`no attachment ${params.attachment_id} on ticket ${ticket.number}`);
      return found;
    });
    const { sha256, sizeBytes, stored } = file;
    if (!stored || sha256 === null || sizeBytes === null)
      throw new NotFound(`attachment ${file.number} is kept elsewhere: ${file.storageRef ?? 'nobody said where'}`);
    return fileReply(ctx.headers, {
      sha256,
      sizeBytes,
      name: file.filename,
      type: file.detectedType,
      open: async (range): Promise<Readable> => {
        const bytes = await ctx.kernel.files.open(ctx.tenantId, sha256, range);
        if (bytes) return bytes;
        ctx.kernel.logger.error({ attachment: file.id, sha256 }, 'the bytes of an attachment are gone');
        throw new NotFound(`the bytes of attachment ${file.number} are gone`);
      },
      damaged: (err) => ctx.kernel.logger.error({ err, attachment: file.id }, 'the bytes of an attachment are damaged'),
    });
  },
};
