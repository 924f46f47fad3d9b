import { attachments, notes } from '../../../db/tickets';
import { Invalid, KeyReused, NotFound } from '../../../domain/errors';
import type { Attachment } from '../../../domain/ticket';
import type { notes as noteOperations } from '../../contracts/agentic/notes';
import type { Ctx, HandlerOf } from '../../kernel';
import { seenTicket } from './seen';

type Body = Parameters<HandlerOf<(typeof noteOperations)['addAttachment']>>[0]['body'];
type File = Pick<Attachment, 'filename' | 'contentType' | 'storageRef' | 'sha256' | 'sizeBytes' | 'stored'>;

/** The file that is attached: its bytes, stored here before any row names them, or what the caller says of one elsewhere. */
async function fileOf({ kernel, tenantId, upload }: Ctx, body: Body): Promise<File> {
  const { filename } = body;
  if (!upload) {
    return {
      filename,
      contentType: body.content_type ?? null,
      storageRef: body.storage_ref ?? null,
      sha256: body.sha256 ?? null,
      sizeBytes: body.size_bytes ?? null,
      stored: false,
    };
  }
  const kept = await kernel.files.put(tenantId, upload.bytes, kernel.config.maxUploadBytes);
  if (body.sha256 !== undefined && body.sha256 !== kept.sha256) {
    throw new Invalid(`sha256: the file's is ${kept.sha256}`, { field: 'sha256' });
  }
  const contentType = body.content_type ?? upload.contentType;
  return { filename, contentType, storageRef: `sha256:${kept.sha256}`, ...kept, stored: true };
}

/** A repeat with the same key means the same file. @throws KeyReused */
function assertSame(first: Attachment, file: File): void {
  const same = first.filename === file.filename && first.sha256 === file.sha256 && first.stored === file.stored;
  if (!same) throw new KeyReused('Idempotency-Key was used with another file', { field: 'Idempotency-Key' });
}

export const addAttachment: HandlerOf<(typeof noteOperations)['addAttachment']> = async ({ params, body }, ctx) => {
  const { ticket, note } = await ctx.read(async (tx) => ({
    ticket: await seenTicket(ctx, tx, params.ticket_id),
    note: body.note_id === undefined ? null : await notes.byNumber(tx, body.note_id),
  }));
  if (body.note_id !== undefined && note?.ticketId !== ticket.id) {
    throw new NotFound(`no note ${body.note_id} on ticket ${ticket.number}`, { field: 'note_id' });
  }
  const file = await fileOf(ctx, body);
  const id = ctx.newId(`attachment:${ticket.id}`);
  const attachment = await ctx.write(async (tx) => {
    const written = await attachments.insert(tx, {
      id,
      tenantId: ctx.tenantId,
      number: 0,
      ticketId: ticket.id,
      noteId: note?.id ?? null,
      ...file,
      metadata: body.metadata,
      createdAt: new Date().toISOString(),
    });
    if (!written) {
      const first = await attachments.byId(tx, id);
      if (!first) throw new Error(`no row for attachment ${id}`);
      assertSame(first, file);
      return first;
    }
    tx.log({
      kind: 'attachment.added',
      actor: ctx.actor,
      subject: { kind: 'ticket', id: ticket.id },
      ticketId: ticket.id,
      body: {
        attachment_id: written.number, filename: written.filename, sha256: written.sha256, size_bytes: written.sizeBytes,
        stored: written.stored,
      }, // prettier-ignore
    });
    return written;
  });
  return {
    id: attachment.number,
    ticket_id: ticket.number,
    status: 'created' as const,
    sha256: attachment.sha256,
    size_bytes: attachment.sizeBytes,
  };
};
