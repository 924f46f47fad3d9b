import { openapiDocument } from '../../api/openapi';
import { operations, sockets } from '../../api/registry';
import { isRaw } from '../../api/operation';
import type { Mounted } from '../../api/http/mount';
import { declared } from '../authority/declared';
import { filled } from '../authority/request';
import type { Tenant } from '../authority/world';

interface Described {
  operationId: string;
  'x-alias-of'?: string;
  parameters?: { in: 'path' | 'query' | 'header'; name: string; example?: unknown }[];
  requestBody?: { content: Record<string, { example?: unknown; examples?: unknown }> };
}
interface Document {
  paths: Record<string, Record<string, Described>>;
}

/** Answers that go on, or come when something happens: each call would take its whole patience. */
const goesOn = ({ op }: Mounted): boolean =>
  op.waits === true || (isRaw(op.output) && op.output.media === 'text/event-stream');

export const fuzzed: readonly Mounted[] = operations.filter((o) => !goesOn(o));

/** Our document without what goes on. It takes seconds of a machine under load: connections that idle meanwhile are closed. */
export const bareDocument = (): Document => JSON.parse(JSON.stringify(openapiDocument(fuzzed, sockets))) as Document;

/**
 * Gives each operation an example that names what the tenant has: made anew where a call
 * uses it up, so that each finds its own.
 */
export async function addExamples(document: Document, tenant: Tenant): Promise<void> {
  const described = Object.values(document.paths).flatMap((item) => Object.values(item));
  for (const { name, op } of fuzzed) {
    const entry = declared[name] ?? { ids: {} };
    for (const one of described.filter((d) => d.operationId === name || d['x-alias-of'] === op.route)) {
      await tenant.refresh(entry.fresh);
      const { path, query, headers, body } = filled(op, entry, { tenant });
      const says = { path, query, header: headers as Record<string, unknown> };
      for (const parameter of one.parameters ?? []) {
        const value = says[parameter.in][parameter.name];
        if (value !== undefined) parameter.example = value;
      }
      const json = one.requestBody?.content['application/json'];
      if (!json || body === null) continue;
      delete json.examples;
      json.example = body;
    }
  }
}
