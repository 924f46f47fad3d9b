import { z } from 'zod';

const positive = z.coerce.number().int().positive();

/** Where files are kept, as docs/attachments.md says: on disk, or with S3_BUCKET in a store that speaks S3. */
export const fileEnvironment = {
  S3_BUCKET: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'the name of a bucket')
    .optional(),
  /** Unset: AWS. Else buckets are part of the path there. */
  S3_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
  S3_REGION: z.string().min(1).default('us-east-1'),
  /** Neither of them: as the AWS SDK finds credentials by itself. */
  S3_ACCESS_KEY_ID: z.string().min(1).optional(),
  S3_SECRET_ACCESS_KEY: z.string().min(1).optional(),
  /** What all keys begin with: installations that share a bucket have one each. */
  S3_PREFIX: z
    .string()
    .regex(/^([A-Za-z0-9_-]{1,100}\/)*$/, 'folders, each ending with /')
    .default(''),
  /** One request to the store. */
  S3_TIMEOUT_MS: positive.max(60_000).default(10_000),
  /** How often files that nothing names are removed, and how old they are then: longer than an upload takes. */
  FILES_SWEEP_SECONDS: positive.max(86_400).default(3_600),
};

export interface FileSettings {
  /** Null: on disk. */
  s3: S3Settings | null;
  sweepSeconds: number;
}

export interface S3Settings {
  bucket: string;
  endpoint: string | null;
  region: string;
  credentials: { accessKeyId: string; secretAccessKey: string } | null;
  prefix: string;
  timeoutMs: number;
}

type Environment = z.output<z.ZodObject<typeof fileEnvironment>>;

/** @throws Error when one of a pair is missing */
export const filesOf = (e: Environment): FileSettings => ({ s3: s3Of(e), sweepSeconds: e.FILES_SWEEP_SECONDS });

/** Null without S3_BUCKET. */
function s3Of(e: Environment): S3Settings | null {
  const [accessKeyId, secretAccessKey] = [e.S3_ACCESS_KEY_ID, e.S3_SECRET_ACCESS_KEY];
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined))
    throw new Error('S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY: one without the other');
  if (e.S3_BUCKET === undefined) {
    if (e.S3_ENDPOINT !== undefined) throw new Error('S3_ENDPOINT needs S3_BUCKET');
    return null;
  }
  return {
    bucket: e.S3_BUCKET,
    endpoint: e.S3_ENDPOINT ?? null,
    region: e.S3_REGION,
    credentials: accessKeyId !== undefined && secretAccessKey !== undefined ? { accessKeyId, secretAccessKey } : null,
    prefix: e.S3_PREFIX,
    timeoutMs: e.S3_TIMEOUT_MS,
  };
}
