import { z } from 'zod';
import { JsonObject } from '../../../domain/common.schema';
import { signalStatuses } from '../../../domain/signal';
import { operation } from '../../operation';
import { byUuid, flag, Instant, name } from '../shapes';
import { at, keysetPage, listed } from './door';

const tag = 'signals';

export const SignalShape = z.object({
  id: z.uuid(),
  for_agent: z.string(),
  created_by: z.string(),
  signal: z.string(),
  detail: z.unknown(),
  status: z.enum(signalStatuses),
  expires_at: Instant.nullable(),
  created_at: Instant,
  actioned_by: z.string().nullable(),
  actioned_at: Instant.nullable(),
  result: z.unknown(),
});

/** Words, or whatever an object says. */
const Detail = z.union([z.string().max(20_000), JsonObject]).refine((d) => JSON.stringify(d).length <= 64_000, {
  message: 'more than 64,000 characters',
});

export const signals = {
  listSignals: operation({
    ...at('GET', '/signals'),
    tag,
    summary: 'What agents told each other, newest first',
    access: 'agent-ops:read',
    query: keysetPage.extend({
      for_agent: name(100).optional(),
      created_by: name(100).optional(),
      signal: name(100).optional(),
      pending: flag.optional().describe('true: what nobody has acted on and whose time is not over; false: the rest'),
    }),
    ...listed(SignalShape),
  }),
  sendSignal: operation({
    ...at('POST', '/signals'),
    tag,
    summary: 'Tell an agent something; its runs hear of it, those that begin while it waits as well',
    access: 'agent-ops:write',
    status: 201,
    body: z.object({
      for_agent: name(100),
      created_by: name(100),
      signal: name(100),
      detail: Detail.nullish(),
      expires_at: z.iso
        .datetime({ offset: true, abort: true })
        .refine((at) => Date.parse(at) > Date.now(), 'must be in the future')
        .nullish(),
    }),
    output: SignalShape,
  }),
  actOnSignal: operation({
    ...at('PATCH', '/signals/:id'),
    tag,
    summary:
      'Say that a signal was acted on; it was once, and a repeat is answered with how. One that has expired is left',
    access: 'agent-ops:write',
    params: byUuid('id'),
    body: z.object({
      status: z.literal('actioned').default('actioned'),
      actioned_by: name(100).optional().describe('The caller, unless given'),
      result: Detail.nullish(),
    }),
    output: SignalShape,
    errors: ['NotFound', 'Conflict'],
  }),
};
