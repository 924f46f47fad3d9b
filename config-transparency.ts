import { z } from 'zod';

/** The public keys of those who sign checkpoints besides us; docs/transparency.md. */
export interface TransparencySettings {
  /** What the name of a tenant's log begins with. */
  origin: string;
  /** `name+id+key`, as witnesses publish them. */
  witnesses: readonly string[];
}

export const transparencyEnvironment = {
  TRANSPARENCY_ORIGIN: z
    .string()
    .regex(/^[A-Za-z0-9._/-]{1,100}$/, 'a host and path without scheme: letters, digits, . _ - /')
    .default('wheelhouse'),
  /** Separated by spaces. */
  TRANSPARENCY_WITNESSES: z
    .string()
    .regex(/^\s*([^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}\s*)*$/, 'verifier keys, name+id+key, with spaces between')
    .default(''),
};

export const transparencyOf = (e: {
  [K in keyof typeof transparencyEnvironment]: z.output<(typeof transparencyEnvironment)[K]>;
}): TransparencySettings => ({
  origin: e.TRANSPARENCY_ORIGIN,
  witnesses: e.TRANSPARENCY_WITNESSES.split(/\s+/).filter(Boolean),
});
