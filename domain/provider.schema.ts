import { z } from 'zod';
import { InstantSchema } from './common.schema';
import { providerNames, pushFields, type RemoteFields, type TicketLink } from './provider';
import { ticketStatuses } from './ticket';

const text = z.string().nullable();
const instant = InstantSchema.nullable();

export const RemoteFieldsSchema = z.object({
  title: z.string(),
  description: z.string(),
  status: z.string(),
  state: z.enum(ticketStatuses).nullable(),
  priority: text,
  impact: text,
  urgency: text,
  assignee: text,
  assigneeTeam: text,
  requesterName: text,
  requesterEmail: text,
}) satisfies z.ZodType<RemoteFields>;

export const TicketLinkSchema = z.object({
  ticketId: z.uuid(),
  tenantId: z.uuid(),
  provider: z.enum(providerNames),
  remoteClass: text,
  remoteKey: text,
  push: z.enum(['create', 'update']).nullable(),
  fields: z.array(z.enum(pushFields)),
  notes: z.boolean(),
  closeReason: text,
  attempts: z.int(),
  creatingUntil: instant,
  lastError: text,
  nextTryAt: instant,
  syncedAt: instant,
  pulled: RemoteFieldsSchema.nullable(),
  pulledDigest: text,
}) satisfies z.ZodType<TicketLink>;
