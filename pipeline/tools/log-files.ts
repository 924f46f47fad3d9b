import type { z } from 'zod';
import { NotFound } from '../../domain/errors';
import { tool, type Tool } from '../call';
import { logToolArgs as args, logTools, type LogFile, type ReadOptions } from './logs';
import { ownFile } from './own';

/** Read in more than a blink: not inside a workflow task. */
const slowBytes = 2 * 1024 * 1024;

/** One log tool over the attachments of the call's own ticket. */
function logTool<A extends z.ZodType<{ attachment_id: string }>>(
  name: keyof typeof logTools,
  description: string,
  args: A,
  analyse: (file: LogFile, args: z.output<A>, options: ReadOptions) => Promise<unknown>,
): Tool {
  return tool({
    name,
    description,
    effect: 'read',
    scope: 'tickets:read',
    content: 'prose',
    args,
    target: ({ attachment_id }) => `attachment ${attachment_id}`,
    // A file that is not there is no slow one: the tool itself refuses it.
    slow: async ({ attachment_id }, context) => {
      const { rows } = await context.read((tx) =>
        tx.query<{ slow: boolean | null }>('select size_bytes > $2 as slow from attachments where id = $1', [
          attachment_id,
          slowBytes,
        ]),
      );
      return rows[0]?.slow ?? false;
    },
    run: async (args, context) => {
      const { sha256, sizeBytes } = await ownFile(context, args.attachment_id);
      const read: LogFile['read'] = async (range) => {
        const bytes = await context.files.open(context.call.tenantId, sha256, range);
        if (bytes) return bytes;
        // A row says that the bytes are here; when they are not, a repeat will not find them either.
        throw new NotFound(`attachment_id: the bytes of ${args.attachment_id} are gone`, { field: 'attachment_id' });
      };
      return analyse({ sha256, sizeBytes, read }, args, { signal: context.signal });
    },
  });
}

export const logFileTools: Tool[] = [
  logTool(
    'logs.profile',
    'Tells what kind of log an attachment is: size, time span, formats, levels.',
    args['logs.profile'],
    logTools['logs.profile'],
  ),
  logTool(
    'logs.templates',
    'Lists the kinds of lines of a log, with what varies in them.',
    args['logs.templates'],
    logTools['logs.templates'],
  ),
  logTool(
    'logs.errors',
    'Finds what fails in a log: recognised signals and failing kinds of lines.',
    args['logs.errors'],
    logTools['logs.errors'],
  ),
  logTool(
    'logs.bursts',
    'Finds when a log fails most, and what changed shortly before.',
    args['logs.bursts'],
    logTools['logs.bursts'],
  ),
  logTool(
    'logs.sources',
    'Counts addresses and users behind the events of a log.',
    args['logs.sources'],
    logTools['logs.sources'],
  ),
  logTool(
    'logs.search',
    'Finds the lines of a log that hold all words of a query.',
    args['logs.search'],
    logTools['logs.search'],
  ),
];
