import { z } from 'zod';
import { operation, raw } from '../../operation';
import { byId, intId, name, page, whole } from '../shapes';
import { AttachmentShape } from './ticket-shapes';

const tag = 'Tickets';

/** A form has only texts: an object arrives as JSON. */
const metadata = z.union([
  z.record(z.string(), z.unknown()),
  z.string().transform((value, ctx): Record<string, unknown> => {
    try {
      return z.record(z.string(), z.unknown()).parse(JSON.parse(value));
    } catch {
      ctx.addIssue({ code: 'custom', message: 'must be a JSON object' });
      return z.NEVER;
    }
  }),
]);

export const attachments = {
  addAttachment: operation({
    route: 'POST /api/tickets/:ticket_id/attachments',
    tag,
    summary:
      'Attach a file: as form data with its bytes in `file`, or as JSON, the metadata of one that is kept elsewhere',
    access: 'tickets:note',
    params: byId('ticket_id'),
    body: z.object({
      filename: name(255),
      content_type: name(200).optional(),
      storage_ref: name(1000).optional(),
      sha256: z
        .string()
        .regex(/^[0-9a-f]{64}$/i, 'must be 64 hexadecimal digits')
        .transform((s) => s.toLowerCase())
        .optional(),
      size_bytes: whole(0, Number.MAX_SAFE_INTEGER).optional(),
      note_id: intId.optional(),
      metadata: metadata.default({}),
    }),
    upload: true,
    output: z.object({
      id: z.int(), ticket_id: z.int(), status: z.literal('created'), sha256: z.string().nullable(), size_bytes: z.int().nullable(),
      detected_type: z.string().nullable(), download_url: z.string().nullable(),
    }), // prettier-ignore
    errors: ['NotFound', 'TooLarge', 'KeyReused'],
  }),
  listAttachments: operation({
    route: 'GET /api/tickets/:ticket_id/attachments',
    tag,
    summary: 'The files of a ticket, newest first',
    access: 'tickets:read',
    params: byId('ticket_id'),
    query: page,
    output: z.object({ attachments: z.array(AttachmentShape), total: z.int(), limit: z.int(), offset: z.int() }),
  }),
  downloadAttachment: operation({
    route: 'GET /api/tickets/:ticket_id/attachments/:attachment_id',
    tag,
    summary: 'The bytes of a file, to be saved and never shown; all of them, or with Range a part',
    access: 'tickets:read',
    params: z.object({ ticket_id: intId, attachment_id: intId }),
    output: raw('application/octet-stream', null, [206, 416]),
  }),
};
