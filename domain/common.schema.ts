import { z } from 'zod';
import { actorKinds, type Actor } from './principal';

/** A time: rows give a Date, wires a string; the domain knows ISO 8601 UTC strings alone. */
export const InstantSchema = z.union([z.date().transform((d) => d.toISOString()), z.iso.datetime({ offset: true })]);

export const JsonObject = z.record(z.string(), z.unknown());

export const ActorSchema = z.object({
  id: z.string().nullable(),
  kind: z.enum(actorKinds),
  name: z.string(),
}) satisfies z.ZodType<Actor>;
