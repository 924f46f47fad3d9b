import { z } from 'zod';

/** Which server the commands of an operator speak to; unset: the one that runs on this data directory. */
export const cliEnvironment = {
  WHEELHOUSE_URL: z.url({ protocol: /^https?$/ }).optional(),
  WHEELHOUSE_TOKEN: z.string().min(1).optional(),
};

export interface CliSettings {
  url: string | null;
  token: string | null;
}

export const cliOf = (e: {
  WHEELHOUSE_URL?: string | undefined;
  WHEELHOUSE_TOKEN?: string | undefined;
}): CliSettings => ({
  url: e.WHEELHOUSE_URL?.replace(/\/+$/, '') ?? null,
  token: e.WHEELHOUSE_TOKEN ?? null,
});
