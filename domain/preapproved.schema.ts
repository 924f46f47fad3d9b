import { z } from 'zod';

/** As a workflow's `approval_policy.preapproved_leases` lists them. */
export const PreapprovedLeases = z
  .array(
    z.object({
      system: z.string().trim().min(1).max(100),
      resource_type: z.string().trim().min(1).max(100),
      resource_id: z.string().trim().min(1).max(200),
      action: z.string().trim().min(1).max(50).default('read'),
    }),
  )
  .max(20);
