import { openapiDocument } from '../api/openapi';
import { operations, sockets } from '../api/registry';

/** Prints the document, and nothing else, to stdout. Starts nothing and connects to nothing. */
export function printOpenApi(): Promise<void> {
  const text = `${JSON.stringify(openapiDocument(operations, sockets), null, 2)}\n`;
  return new Promise((resolve, reject) => {
    // Who reads only its beginning (`| head`) has what was wanted.
    process.stdout.on('error', (e: NodeJS.ErrnoException) => (e.code === 'EPIPE' ? resolve() : reject(e)));
    process.stdout.write(text, (e) => (e ? undefined : resolve()));
  });
}
