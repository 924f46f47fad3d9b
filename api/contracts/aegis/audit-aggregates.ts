import { aggregates } from '../../aggregates/table';
import { operation, type Operation } from '../../operation';
import { byUuid } from '../shapes';

/** One operation for each line of the table. */
export const auditAggregates: Record<string, Operation> = Object.fromEntries(
  Object.entries(aggregates).map(([name, a]) => [
    name,
    operation({
      route: `GET ${a.path}`,
      tag: 'audit',
      summary: a.summary,
      access: 'audit:read',
      ...(a.of === 'agent' && { params: byUuid('id'), errors: ['NotFound'] }),
      query: a.query,
      output: a.output,
      aliases: [`/v1${a.path}`],
    }),
  ]),
);
