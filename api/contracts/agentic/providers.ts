import { z } from 'zod';
import { providerNames } from '../../../domain/provider';
import { operation } from '../../operation';
import { byId, Instant, name } from '../shapes';

const tag = 'Providers';
const provider = z.enum(providerNames);
const text = z.string().nullable();

const synced = z.object({
  status: z.enum(['synced', 'local_only']),
  provider,
  provider_ref: text,
  provider_class: text,
  itop_ref: text.describe('The same as provider_ref'),
  itop_class: text.describe('The same as provider_class'),
  ticket_id: z.int().nullable(),
  is_new: z.boolean(),
});

const all = z.object({ provider, synced: z.int(), errors: z.int(), new: z.int() });
/** Nothing, the name of a provider, or an object that names one. */
const whichProvider = z
  .union([provider, z.object({ provider: provider.optional() })])
  .transform((given) => (typeof given === 'string' ? given : given.provider));

export const providers = {
  listProviders: operation({
    route: 'GET /api/providers',
    tag,
    summary: 'Where tickets may be kept besides here, and whether that is set up',
    access: 'providers:read',
    output: z.object({
      providers: z.array(
        z.object({
          name: provider,
          ticket_classes: z.array(z.string()),
          configured: z.boolean(),
          active: z.boolean().describe('New tickets go there when nobody says otherwise'),
          last_sync: z
            .object({
              at: Instant.nullable(),
              discovered_at: Instant.nullable(),
              synced: z.int().nullable(),
              errors: z.int().nullable(),
              new: z.int().nullable(),
              error: text,
            })
            .nullable()
            .describe('How the last look at all its tickets went'),
        }),
      ),
    }),
  }),
  syncProvider: operation({
    route: 'POST /api/providers/:provider/sync-all',
    tag,
    summary: 'Bring all tickets of a provider here, as they are there by now',
    access: 'providers:sync',
    params: z.object({ provider }),
    output: all,
    errors: ['BadGateway'],
  }),
  syncAllTickets: operation({
    route: 'POST /api/tickets/sync-all',
    tag: 'Tickets',
    summary: 'The same for the active provider, or the one that is named: as an object, or as a text alone',
    access: 'providers:sync',
    body: whichProvider,
    output: all,
    errors: ['BadGateway'],
  }),
  syncProviderTicket: operation({
    route: 'POST /api/providers/:provider/sync-ticket',
    tag,
    summary: 'Bring one ticket of a provider here, as it is there by now',
    access: 'providers:sync',
    params: z.object({ provider }),
    body: z.object({
      ticket_class: name(100),
      ticket_ref: z
        .union([z.string(), z.number()])
        .transform(String)
        .pipe(
          z
            .string()
            .trim()
            .regex(/^[1-9]\d{0,9}$/, 'must be the number of a ticket at the provider'),
        ),
    }),
    output: synced,
    errors: ['NotFound', 'BadGateway'],
  }),
  syncTicket: operation({
    route: 'POST /api/tickets/:ticket_id/sync',
    tag: 'Tickets',
    summary: 'Bring a ticket to what its provider says of it, and tell the provider what it was not told yet',
    access: 'providers:sync',
    params: byId('ticket_id'),
    output: synced,
    errors: ['NotFound', 'BadGateway'],
  }),
  pushTicket: operation({
    route: 'POST /api/tickets/:ticket_id/push-provider',
    tag: 'Tickets',
    summary: 'Have a provider keep a ticket as well; one that it has already gets our title and priority there',
    access: 'providers:sync',
    params: byId('ticket_id'),
    body: z.object({ provider: provider.optional().describe('Unset: the active one') }),
    output: z.object({
      status: z.enum(['created', 'updated', 'local_only']),
      provider,
      ticket_id: z.int(),
      provider_ref: text,
      provider_class: text,
      provider_url: text,
    }),
    errors: ['NotFound', 'Conflict', 'BadGateway'],
  }),
};
