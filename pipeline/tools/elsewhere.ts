import { z } from 'zod';
import { tool, type Tool } from '../call';

/**
 * A tool that nobody serves here: whoever asks runs it himself, and wants to know whether he may. The call is decided on like
 * any other; there is nothing to carry out, and no result.
 */
export const elsewhere = (name: string): Tool =>
  tool({
    name,
    description: 'Carried out by whoever asks',
    effect: 'read',
    scope: 'tools:call',
    content: 'instruction',
    args: z.record(z.string(), z.unknown()),
    target: () => name,
    run: () => Promise.resolve(null),
  });
